"""What every side of a bench of deliveries sends, and to how many."""

import base64
import json

#: Merchants, endpoints of each, all with the same subscriber behind them; and the endpoints of all.
MERCHANTS, EACH = 10, 5
ENDPOINTS = MERCHANTS * EACH
SECRET = "whsec_" + base64.b64encode(b"the secret of a bench is no secret").decode()
_SCAN = {"status": "Departed from the sorting centre", "location": "Bangkok, 10110", "courierCode": "all24"}
#: About 1 KB, as a message about one scan has.
BODY = json.dumps({"type": "tracking.updated", "trackings": [{"events": [_SCAN] * 9}]}).encode()
