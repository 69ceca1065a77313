"""Where carriers call us."""

from accounts.describing import TEXT, Answer, Operation, Schema, enveloped, told

TAG = {"name": "Carriers", "description": "What carriers call, not you."}
PARAMETERS: dict[str, Schema] = {
    "courier": {
        "name": "courier",
        "in": "path",
        "required": True,
        "description": "The carrier's code.",
        "schema": TEXT,
        "example": "ship24",
    },
    "token": {
        "name": "token",
        "in": "path",
        "required": True,
        "description": "The last part of the carrier account's `pushUrl`.",
        "schema": TEXT,
    },
}
OPERATIONS: dict[str, Operation] = {
    "POST /v1/carriers/{courier}/push/{token}": Operation(
        id="receivePush",
        tag="Carriers",
        summary="Take a carrier's push",
        description="The `pushUrl` of a carrier account, with that account's push secret; no API key.",
        native=False,
        security=("pushSecret",),
        body={"description": "The carrier's own format."},
        body_example={"trackings": []},
        answers={
            200: Answer(
                description="How many parcels it spoke of, known to us or not.",
                schema=enveloped(received=told({"type": "integer", "minimum": 0}, "Parcels in this push.")),
                example={"data": {"received": 1}},
            )
        },
        errors={
            400: ["parsing_error"],
            401: ["auth_invalid_push"],
            403: ["https_required"],
            404: ["not_found"],
            406: ["not_acceptable"],
            411: ["validation_error"],
            413: ["validation_error"],
            500: ["processing_error"],
        },
    ),
}
