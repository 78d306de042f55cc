"""What `ci/http-properties` changes about the requests that it makes up.

A key that was used for one request and is used for another is refused, rightly,
and requests that know nothing of each other draw the same short keys.
"""

import itertools
import re

import schemathesis

VALID = re.compile(r'("?)([!#-~]{1,128})\1')
NUMBERS = itertools.count()


@schemathesis.hook
def before_call(context, case, kwargs):
    headers = case.headers or {}
    key = headers.get("Idempotency-Key")
    valid = VALID.fullmatch(key) if isinstance(key, str) else None
    if valid:
        quote, text = valid.groups()
        headers["Idempotency-Key"] = f"{quote}{text[:100]}-{next(NUMBERS)}{quote}"
