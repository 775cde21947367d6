"""Bad input: a clear 4xx that names the member; nothing stored; the server unharmed."""
import pytest
from support.answers import accepted, assert_problem
from support.client import Broken, Connection, request_bytes

GOOD = b'{"user_id":"u","amount":1,"currency":"USD"}'


def body(**members):
    """GOOD with raw JSON texts put in or (None) left out."""
    raw = {"user_id": '"u"', "amount": "1", "currency": '"USD"'} | members
    return ("{" + ",".join(f'"{name}":{value}' for name, value in raw.items() if value is not None) + "}").encode(
        "utf-8", "surrogatepass")


def in_amount(text, currency='"USD"'):
    return body(amount=text, currency=currency)


MALFORMED = [
    ("NaN", in_amount("NaN")),
    ("Infinity", in_amount("Infinity")),
    ("-Infinity", in_amount("-Infinity")),
    ("plus sign", in_amount("+1")),
    ("leading zero", in_amount("01")),
    ("no digit after the point", in_amount("1.")),
    ("no digit before the point", in_amount(".5")),
    ("hex", in_amount("0x10")),
    ("BOM", b"\xef\xbb\xbf" + GOOD),
    ("UTF-16", GOOD.decode().encode("utf-16")),
    ("truncated", GOOD[:-1]),
    ("text after the object", GOOD + b"x"),
    ("two objects", GOOD + GOOD),
    ("comment", GOOD[:-1] + b"/* */}"),
    ("trailing comma", GOOD[:-1] + b",}"),
    ("single quotes", GOOD.replace(b'"', b"'")),
    ("invalid UTF-8", body(user_id='"X"').replace(b"X", b"\xff\xfe")),
    ("overlong UTF-8", body(user_id='"X"').replace(b"X", b"\xc0\xaf")),
    ("encoded surrogate", body(user_id='"X"').replace(b"X", b"\xed\xa0\x80")),
    ("lone high surrogate", body(user_id='"\\ud800"')),
    ("lone low surrogate", body(user_id='"\\udc00x"')),
    ("raw control character", body(user_id='"a\x01b"')),
    ("raw newline", body(user_id='"a\nb"')),
    ("bad escape", body(user_id='"\\x41"')),
    ("deep array", b"[" * 2000),
    ("deep metadata", body(metadata='{"a":' * 200 + "1" + "}" * 200)),
    ("empty", b""),
    ("white space", b"  \n "),
]

RULES = [
    ("not an object: array", b"[]", None),
    ("not an object: null", b"null", None),
    ("not an object: number", b"12", None),
    ("not an object: text", b'"x"', None),
    ("empty object", b"{}", ["/user_id", "/amount", "/currency"]),
    ("-1", in_amount("-1"), ["/amount"]),
    ("0", in_amount("0"), ["/amount"]),
    ("-0", in_amount("-0"), ["/amount"]),
    ("0.00", in_amount("0.00"), ["/amount"]),
    ("1e400", in_amount("1e400"), ["/amount"]),
    ("1e-400", in_amount("1e-400"), ["/amount"]),
    ("1e99999999999999999999", in_amount("1e99999999999999999999"), ["/amount"]),
    ("12.7500 in USD", in_amount('"12.7500"'), ["/amount"]),
    ("12.755 in USD", in_amount("12.755"), ["/amount"]),
    ("0.1 in JPY", in_amount("0.1", '"JPY"'), ["/amount"]),
    ("10^30", in_amount("1" + "0" * 30), ["/amount"]),
    ("one more than fits", in_amount("92233720368547758.08"), ["/amount"]),
    ("NaN as text", in_amount('"NaN"'), ["/amount"]),
    ("Infinity as text", in_amount('"Infinity"'), ["/amount"]),
    ("words", in_amount('"ten"'), ["/amount"]),
    ("empty text", in_amount('""'), ["/amount"]),
    ("white space in text", in_amount('" 1"'), ["/amount"]),
    ("thousands separator", in_amount('"1,000.00"'), ["/amount"]),
    ("other digits", in_amount('"\u0661"'), ["/amount"]),
    ("amount null", in_amount("null"), ["/amount"]),
    ("amount true", in_amount("true"), ["/amount"]),
    ("amount object", in_amount('{"value":1}'), ["/amount"]),
    ("amount array", in_amount("[1]"), ["/amount"]),
    ("unknown currency", body(currency='"XXQ"'), ["/currency"]),
    ("long currency", body(currency=f'"{"U" * 10000}"'), ["/currency"]),
    ("currency with NUL", body(currency='"USD\\u0000"'), ["/currency"]),
    ("currency number", body(currency="840"), ["/currency"]),
    ("empty user", body(user_id='""'), ["/user_id"]),
    ("user of 129 bytes", body(user_id=f'"{"u" * 129}"'), ["/user_id"]),
    ("user of 65 two-byte letters", body(user_id=f'"{"ü" * 65}"'), ["/user_id"]),
    ("user number", body(user_id="11"), ["/user_id"]),
    ("user with NUL", body(user_id='"a\\u0000b"'), ["/user_id"]),
    ("user with escape", body(user_id='"a\\u001bb"'), ["/user_id"]),
    ("user with DEL", body(user_id='"a\\u007fb"'), ["/user_id"]),
    ("user with C1 control", body(user_id='"a\\u0085b"'), ["/user_id"]),
    ("duplicate amount", GOOD[:-1] + b',"amount":2}', ["/amount"]),
    ("duplicate amount, escaped", GOOD[:-1] + b',"\\u0061mount":2}', ["/amount"]),
    ("unknown member", body(ammount="1"), ["/ammount"]),
    ("unknown member, other case", body(Amount="1"), ["/Amount"]),
    ("unknown member with a slash", body(**{"a/b~c": "1"}), ["/a~1b~0c"]),
    ("read-only id", body(id="1"), ["/id"]),
    ("read-only status", body(status='"settled"'), ["/status"]),
    ("read-only created_at", body(created_at='"2020-01-01T00:00:00Z"'), ["/created_at"]),
    ("unknown type", body(type='"gift"'), ["/type"]),
    ("internal type", body(type='"account_update"'), ["/type"]),
    ("type of another route", body(type='"reversal"'), ["/type"]),
    ("type number", body(type="1"), ["/type"]),
    ("transfer to nobody", body(type='"transfer"'), ["/to_user_id"]),
    ("transfer to oneself", body(type='"transfer"', to_user_id='"u"'), ["/to_user_id"]),
    ("deposit to somebody", body(to_user_id='"v"'), ["/to_user_id"]),
    ("manual capture of a deposit", body(capture='"manual"'), ["/capture"]),
    ("unknown capture", body(capture='"later"'), ["/capture"]),
    ("hold on a deposit", body(hold_expires_in="60"), ["/hold_expires_in"]),
    ("reference of 256 bytes", body(reference=f'"{"r" * 256}"'), ["/reference"]),
    ("reference with a tab", body(reference='"a\\tb"'), ["/reference"]),
    ("description of 1001 bytes", body(description=f'"{"d" * 1001}"'), ["/description"]),
    ("metadata array", body(metadata="[]"), ["/metadata"]),
    ("metadata number", body(metadata='{"a":1}'), ["/metadata"]),
    ("metadata of 51", body(metadata="{" + ",".join(f'"k{i}":"v"' for i in range(51)) + "}"), ["/metadata"]),
    ("metadata value of 501 bytes", body(metadata=f'{{"a":"{"v" * 501}"}}'), ["/metadata/a"]),
    ("metadata with NUL", body(metadata='{"a":"\\u0000"}'), ["/metadata/a"]),
    ("several at once", body(user_id='""', amount="-1", currency='"XXQ"', type='"gift"', extra="1"),
     ["/extra", "/user_id", "/amount", "/currency", "/type"]),
]

# Body, headers, status, code.
REQUESTS = [
    ("wrong content type", GOOD, {"Content-Type": "text/plain"}, 415, "unsupported_media_type"),
    ("form", b"user_id=u", {"Content-Type": "application/x-www-form-urlencoded"}, 415, "unsupported_media_type"),
    ("NDJSON on the single route", GOOD, {"Content-Type": "application/x-ndjson"}, 415, "unsupported_media_type"),
    ("other charset", GOOD, {"Content-Type": "application/json; charset=utf-16"}, 415, "unsupported_media_type"),
    ("compressed", GOOD, {"Content-Encoding": "gzip"}, 415, "unsupported_media_type"),
    ("key too long", GOOD, {"Idempotency-Key": "k" * 256}, 400, "invalid_idempotency_key"),
    ("key empty", GOOD, {"Idempotency-Key": ""}, 400, "invalid_idempotency_key"),
    ("key with a space", GOOD, {"Idempotency-Key": "a b"}, 400, "invalid_idempotency_key"),
    ("key with an umlaut", GOOD, {"Idempotency-Key": "\u00fc"}, 400, "invalid_idempotency_key"),
]


def named(cases):
    return [pytest.param(*case[1:], id=case[0]) for case in cases]


@pytest.fixture(scope="module", autouse=True)
def nothing_is_stored_and_the_server_is_unharmed(deployment):
    yield
    assert deployment.database.rows("SELECT count(*) FROM transaction_log")[0][0] == 0
    with deployment.client() as client:
        for _ in deployment.instances:
            assert client.get("/readiness").status == 200
        for number in range(3):
            assert accepted(client.post("/transactions", GOOD))["id"] == 1 + number


@pytest.mark.parametrize("text", named(MALFORMED))
def test_what_is_not_json(client, text):
    assert_problem(client.post("/transactions", text), 400, "malformed_json")


@pytest.mark.parametrize("text, pointers", named(RULES))
def test_what_breaks_a_rule(client, text, pointers):
    answer = client.post("/transactions", text)
    problem = assert_problem(answer, 422, "validation_failed", pointers)
    assert all(error["code"] and error["detail"] for error in problem["errors"])


@pytest.mark.parametrize("text, headers, status, code", named(REQUESTS))
def test_requests_that_are_refused_as_a_whole(client, text, headers, status, code):
    assert_problem(client.post("/transactions", text, headers), status, code)


def test_no_content_type(deployment):
    data = request_bytes("POST", "/transactions", GOOD).replace(b"Content-Type: application/json\r\n", b"")
    with Connection(deployment.first.port) as connection:
        assert_problem(connection.send(data).read(), 415, "unsupported_media_type")


def test_a_megabyte_of_brackets(client):
    answer = client.post("/transactions", b"[" * 1_000_000)
    assert (answer.status, answer.code) in ((400, "malformed_json"), (413, "payload_too_large"))


def test_a_body_over_the_limit(client):
    try:
        answer = client.post("/transactions", b'{"description":"' + b"x" * 40_000_000 + b'"}')
    except Broken as error:
        # If the server closes before the client has sent everything, a reset may lose the answer, but never a 2xx.
        assert "send" in str(error) or "reset" in str(error)
        return
    assert_problem(answer, 413, "payload_too_large")


def test_a_length_over_the_limit_is_refused_before_the_body(deployment):
    data = request_bytes("POST", "/transactions", b"", {"Content-Length": "40000000000"})
    with Connection(deployment.first.port) as connection:
        assert_problem(connection.send(data).read(), 413, "payload_too_large")


def test_a_body_that_ends_early_stores_nothing(deployment):
    data = request_bytes("POST", "/transactions", GOOD)
    with Connection(deployment.first.port) as connection:
        connection.send(data[:-5])
    for instance in deployment.instances:
        assert instance.status("/health") == 200
