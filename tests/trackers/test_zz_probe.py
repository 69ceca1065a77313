import base64, json
import pytest
from urllib.parse import quote
from trackers.models import Tracker, Watch, PersonalData
from trackers import results as R

def msgs(a):
    try: return a.status_code, a.content[:300]
    except Exception: return a.status_code

def test_probe(as_alice, as_bob, alice, bob, follow, capsys):
    t=[follow(alice, f"NUM-{i:02}", title="straße 100% _x\\y "+str(i), clientTrackerId=f"a/b c%{i}é") for i in range(4)]
    b=follow(bob,"BOB-00001")
    out=[]
    for q in ["page=0","page=abc","page=","limit=","limit=501","limit=1.5","limit=１","page=%20%201","sort=","sort=%201","sort=2","status=","status=delivered,","status=DELIVERED","status=pending,%20delivered","courierCode=","courierCode=xx","createdFrom=x","createdFrom=2026-01-01","createdFrom=2026-01-01T00:00:00","createdFrom=2026-01-01T00:00:00+02:00","createdFrom=2026-01-01 00:00:00","createdFrom=0001-01-01T00:00:00%2B14:00","createdFrom=9999-12-31T23:59:59-14:00","createdTo=0001-01-01T00:00:00Z","updatedSince=9999-12-31T23:59:59Z","updatedSince=1700000000","isSubscribed=True","isSubscribed=1","isSubscribed=","text=","text=%20","text=%00","text=%ED%A0%80","text=%FF","text=%25","text=_","text=%5C","text=STRASSE","text=STRA%C3%9FE","text=ss","after=","after=x","after=%00","after="+"A"*10000,"after=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","after=__________________________________8=","after="+base64.urlsafe_b64encode(b"\x7f"+b"\xff"*23).decode(),"foo=1","limit=1&limit=2","limit[]=1","Limit=1","status[]=pending","limit=2&after=é", "page=1000000&limit=500","limit=1_0","limit=%2B5","page=1000001","limit=99999999999999999999999999", "limit=%D9%A1", "text="+"x"*256, "searchBy=trackerId", "createdTo=%EF%BC%92026-01-01"]:
        try: a=as_alice.get("/v1/trackers?"+q)
        except Exception as e: out.append((q[:60],"EXC",repr(e)[:300])); continue
        n = len(a.json()["data"]["trackers"]) if a.status_code==200 else a.json()["errors"]
        out.append((q[:60],a.status_code,n,a.headers.get("Link"),a.headers.get("X-Total-Count")))
    # links
    for q in ["limit=2&text=%25+_x","limit=2&text=stra%C3%9Fe","limit=2&text=a%26b","limit=2&createdFrom=2020-01-01T00:00:00+02:00","limit=2&text=%22%3E"]:
        a=as_alice.get("/v1/trackers?"+q); out.append((q,a.headers.get("Link"),len(a.json()["data"]["trackers"])))
        if "Link" in a.headers:
            u=a["Link"].split(">")[0][1:]
            a2=as_alice.get(u); out.append(("  next",a2.status_code,len(a2.json()["data"]["trackers"]),a2.headers.get("Link")))
    from trackers.listing import Place
    a=as_alice.get("/v1/trackers?after="+str(Place(b.created_at,b.id))); out.append(("bob's cursor",msgs(a)))
    h=as_alice.head("/v1/trackers?limit=2"); out.append(("HEAD list",h.status_code,dict(h.headers),h.content))
    id=str(t[0].id)
    a=as_alice.get(f"/v1/trackers/{id}/results"); tag=a["ETag"]; out.append(("results",a.status_code,dict(a.headers)))
    h=as_alice.head(f"/v1/trackers/{id}/results"); out.append(("HEAD",h.status_code,dict(h.headers),h.content))
    for inm in [tag,"W/"+tag,f'"x", W/{tag}',"*",'"*"',"garbage",tag.strip('"'),",,,","x"*5000,f'"a,b",{tag}','W/"',f"{tag},*",f"*, {tag}","\xff", f'w/{tag}']:
        try:
            a=as_alice.get(f"/v1/trackers/{id}/results",HTTP_IF_NONE_MATCH=inm); out.append(("INM",inm[:60],a.status_code,len(a.content),dict(a.headers) if a.status_code==304 else ""))
            a=as_bob.get(f"/v1/trackers/{id}/results",HTTP_IF_NONE_MATCH=inm); assert a.status_code==404,inm
        except Exception as e: out.append(("INM EXC",inm,repr(e)[:300]))
    for inm in ["*",tag]:
        a=as_alice.get(f"/v1/trackers/search/NOPE-0001/results",HTTP_IF_NONE_MATCH=inm); out.append(("num none",inm,a.status_code))
        a=as_alice.get(f"/v1/trackers/00000000-0000-0000-0000-000000000000/results",HTTP_IF_NONE_MATCH=inm); out.append(("id none",inm,a.status_code))
    a=as_alice.head(f"/v1/trackers/{id}/results",HTTP_IF_NONE_MATCH=tag); out.append(("HEAD INM",a.status_code))
    for p in ["results","raw","","webhook-history/download"]:
        for sb in ["clientTrackerId","trackerId","","xx","clienttrackerid"]:
            url=f"/v1/trackers/{quote('a/b c%0é',safe='')}"+("/"+p if p else "")+f"?searchBy={sb}"
            a=as_alice.get(url); out.append((p,sb,msgs(a)))
    for q in ["x=1","limit=0","limit=1&limit=2","after=x","searchBy=clientTrackerId"]:
        out.append(("raw",q,msgs(as_alice.get(f"/v1/trackers/{id}/raw?{q}"))))
        out.append(("results",q,as_alice.get(f"/v1/trackers/{id}/results?{q}").status_code))
    for u in ["/v1/trackers/{%s}"%id, "/v1/trackers/"+id.replace("-",""), "/v1/trackers/"+id.upper(), "/v1/trackers/urn:uuid:"+id,"/v1/trackers/%00/results","/v1/trackers/%00/results?searchBy=clientTrackerId","/v1/trackers/%ED%A0%80/results?searchBy=clientTrackerId","/v1/trackers/search/%00/results","/v1/trackers/search/a//b/results","/v1/trackers/search/NUM-00/results","/v1/trackers/search/num-00/results","/v1/trackers/search//results", "/v1/trackers/search/x/results/results","/v1/trackers/search/results", "/v1/trackers/search/"+"x"*3000+"/results"]:
        try: a=as_alice.get(u); out.append((u[:60],a.status_code,a.content[:150]))
        except Exception as e: out.append((u[:60],"EXC",repr(e)[:300]))
    with capsys.disabled():
        for o in out: print(*o)
