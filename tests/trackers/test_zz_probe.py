import json, pytest
from unittest.mock import patch
from trackers.models import Tracker, PersonalData
from tests.carrier_server import CarrierServer

def get(c, id): 
    a=c.get(f"/v1/trackers/{id}/results"); return a["ETag"], a.json()

def test_probe(as_alice, alice, follow, capsys):
    out=[]
    t=follow(alice,"NUM-00001",clientTrackerId="c1",shipmentReference="r",recipient={"name":"A","email":"a@b.cc"})
    def step(name, call):
        e1,b1=get(as_alice,t.id); r=call(); e2,b2=get(as_alice,t.id)
        out.append((name, getattr(r,"status_code",None), "body changed" if b1!=b2 else "same", "tag changed" if e1!=e2 else "same", "DEFECT" if b1!=b2 and e1==e2 else ""))
        if getattr(r,"status_code",0)>=400: out.append(r.content[:200])
    P=lambda **b: (lambda: as_alice.patch(f"/v1/trackers/{t.id}", b, format="json"))
    step("courier",P(courierCode=["all24","247express"]))
    step("origin",P(originCountryCode="TH")); step("dest",P(destinationCountryCode="DE")); step("post",P(destinationPostCode="10115"))
    step("date",P(shippingDate="2026-11-20")); step("same",P(destinationCountryCode="DE"))
    step("unsub",P(isSubscribed=False)); step("resub",P(isSubscribed=True)); step("stop",lambda: as_alice.post("/v1/trackers/stop",{"trackerIds":[str(t.id)]},format="json"))
    step("resub",P(isSubscribed=True))
    step("repeat with recipient",lambda: as_alice.post("/v1/trackers",{"trackingNumber":"NUM-00001","courierCode":"all24","clientTrackerId":"c1","shipmentReference":"r","recipient":{"name":"B"},"title":"T"},format="json"))
    step("poll",lambda: as_alice.post(f"/v1/trackers/{t.id}/poll"))
    n=as_alice.get("/v1/trackers/search/NUM-00001/results")["ETag"]
    step("delete",lambda: None)
    with capsys.disabled():
        for o in out: print(*o)
