"""What simdjson reads at once is what the thorough way reads, to the last bit; what it may not read, it leaves."""

from __future__ import annotations

import random
import struct
from typing import Any

import numpy as np
import orjson
import pytest

from serving import usual_body
from serving.calibration_cache import CalibrationCache
from serving.errors import ApiError
from serving.instances import Reader
from serving.usual_body import UsualForm

FORM = UsualForm((2, 2), most_instances=3, most_values=1_000)
ONE = {"device_id": "d", "window_end": "2026-01-01T00:00:00Z", "values": [[1.0, 2.0], [3.0, 4.0]]}


def text(values: str, *, more: str = "", parameters: str = "") -> bytes:
    one = f'{{"device_id":"d","window_end":"2026-01-01T00:00:00Z","values":{values}{more}}}'
    return f'{{"instances":[{one}]{parameters}}}'.encode()


def read(body: bytes) -> list[Any] | None:
    """What a body's instances have; None where one of them, or the body, has another form."""
    found = FORM.body(body)
    if found is None:
        return None
    instances = [FORM.instance(one) for one in found.instances]
    return None if None in instances else instances


def numbers(values: str) -> list[float]:
    found = read(text(values))
    assert found is not None
    return np.frombuffer(found[0][2]).tolist()


def test_numbers_are_rounded_as_python_rounds_them():
    rng = random.Random(3)
    hard = [
        "5e-324", "2.4703282292062328e-324", "2.2250738585072011e-308", "1.7976931348623157e308", "-0.0", "1e23",
        "9007199254740993", "9007199254740993.0", "18446744073709551615", "-9223372036854775808", "0.1", "1E+2",
        "0.500000000000000166533453693773481063544750213623046875", "123456789012345678901234567890.0", "1e-400",
    ]  # fmt: skip
    bits = [struct.unpack("d", struct.pack("Q", rng.getrandbits(64)))[0] for _ in range(4_000)]
    written = hard + [repr(x) for x in bits if np.isfinite(x)] + [f"{rng.uniform(-100, 100):.3f}" for _ in range(4_000)]
    for at in range(0, len(written) - 3, 4):
        a, b, c, d = written[at : at + 4]
        assert numbers(f"[[{a},{b}],[{c},{d}]]") == [float(x) for x in (a, b, c, d)]


def test_an_instance_has_what_was_sent():
    body = text(" [ [1 , 2.5],\n[-3,4] ]", more=',"sensitivity":75,"calibration":{"a":"b"}')
    assert read(body) is not None
    ((device, end, values, calibration, sensitivity),) = read(body) or ()
    assert (device, end, calibration, sensitivity) == ("d", "2026-01-01T00:00:00Z", b'{"a":"b"}', 75)
    assert np.frombuffer(values).tolist() == [1.0, 2.5, -3.0, 4.0]
    ((*_, calibration, sensitivity),) = read(text("[[1,2],[3,4]]", more=',"calibration":null,"sensitivity":null')) or ()
    assert (calibration, sensitivity) == (None, None)


@pytest.mark.parametrize(
    ("parameters", "expected"), [("", None), ("null", None), ("{}", None), ('{"sensitivity":5}', 5)]
)
def test_a_body_has_the_sensitivity_of_all(parameters, expected):
    found = FORM.body(text("[[1,2],[3,4]]", parameters=f',"parameters":{parameters}' if parameters else ""))
    assert found is not None
    assert found.sensitivity == expected


@pytest.mark.parametrize(
    "values",
    [
        "[[1,2],[3]]", "[[1],[2,3,4]]", "[[1,2,3,4]]", "[1,2,3,4]", "[[1,2],[3,4],[5,6]]", "[[[1,2],[]],[3,4]]",
        "[[1,[2]],[3,4]]", "[[],[1,2,3,4]]", "[[1,2],{}]", '[[1,2],"ab"]', '[[1,2],{"a":3,"b":4}]', "[[1,2],[3,null]]",
        "[[1,2],[3,true]]", '[[1,2],[3,"4"]]', "[[1,2],[3,{}]]", "[[1,2],[3,1e400]]",
        "[[1,2],[3,18446744073709551616]]", "[[1,2],[3,NaN]]", "[[1,2],[3,04]]", "[[1,2],[3,4.]]", "[[1,2],[3,+4]]",
        "[[1,2],[3,4,]]", "5", '"ab"', "null", '{"ab":1,"cd":2}',
    ],
)  # fmt: skip
def test_a_window_of_another_form_is_left(values):
    assert read(text(values)) is None


def test_numbers_that_another_windows_missing_row_hides_are_counted():
    more, fewer = (text(values).decode()[len('{"instances":[') : -2] for values in ("[[1,[2,9]],[3,4]]", "[[1,2]]"))
    found = FORM.body(f'{{"instances":[{more},{fewer}]}}'.encode())
    assert found is not None
    assert [FORM.instance(one) for one in found.instances] == [None, None]


def test_lists_that_are_missing_in_one_window_do_not_hide_in_another():
    """The number of lists in the body is the right one, and so is that of the numbers in each window."""
    nested, short = [[[1, 2], []], [3, 4]], [[1, 2], "ab"]
    assert read(orjson.dumps({"instances": [{**ONE, "values": nested}, {**ONE, "values": short}]})) is None


@pytest.mark.parametrize(
    "more",
    [
        ',"a":1', ',"device_id":"e"', ',"values":[[1,2],[3,4]]', ',"sensitivity":1,"sensitivity":2',
        ',"sensitivity":101',
        ',"sensitivity":-1', ',"sensitivity":true', ',"sensitivity":"5"', ',"calibration":5', ',"calibration":"x"',
        ',"calibration":[]',
    ],
)  # fmt: skip
def test_other_fields_are_left(more):
    assert read(text("[[1,2],[3,4]]", more=more)) is None


@pytest.mark.parametrize(
    "parameters",
    [
        ',"parameters":0', ',"parameters":""', ',"parameters":false', ',"parameters":[]', ',"parameters":{"a":1}',
        ',"parameters":{"sensitivity":true}', ',"parameters":{"sensitivity":1,"sensitivity":2}', ',"a":1',
        ',"parameters":null,"a":1', ',"parameters":null,"parameters":null', ',"instances":5',
    ],
)  # fmt: skip
def test_other_parameters_are_left(parameters):
    assert read(text("[[1,2],[3,4]]", parameters=parameters)) is None


@pytest.mark.parametrize(
    "body",
    [
        b"", b"5", b'"instances"', b"[]", b"{}", b'{"instances":[]}', b'{"instances":{"a":1}}', b'{"instances":[5]}',
        b"\xef\xbb\xbf" + text("[[1,2],[3,4]]"), text("[[1,2],[3,4]]") + b"]", text("[[1,2],[3,4]]")[:-1],
        text("[[1,2],[3,4]]").replace(b"d", b"\xff"), orjson.dumps({"instances": [ONE] * 4}),
        b'{"instances":' + b"[" * 2_000 + b"]" * 2_000 + b"}",
    ],
    ids=lambda b: repr(b[:24]),
)  # fmt: skip
def test_a_body_of_another_form_is_left(body):
    assert read(body) is None


@pytest.mark.parametrize("filling", [b"1,", b"{},", b'{"a":', b"[],", b"[", b'"a",'], ids=repr)
def test_a_long_body_of_many_values_is_left_before_it_is_read(monkeypatch, filling):
    def parser() -> None:
        raise AssertionError("it was read")

    monkeypatch.setattr(usual_body, "UsualBody", parser)
    assert FORM.body(b'{"instances":[' + filling * 40_000 + b"0]}") is None


def test_bodies_that_are_read_at_once_do_not_mix():
    bodies = [text(f"[[{i},{i}],[{i},{i}]]") for i in range(5)]
    for _ in range(3):
        opened = [FORM.body(body) for body in bodies]
        for i, found in enumerate(opened):
            assert found is not None
            (one,) = found.instances
            assert np.frombuffer(FORM.instance(one)[2]).tolist() == [i] * 4  # type: ignore[index]
            del one
            found.end()
    assert len(usual_body._KEPT) == usual_body._KEPT.maxlen


def test_the_memory_of_a_long_body_is_not_kept():
    usual_body._KEPT.clear()
    for body, kept in ((text("[[1,2],[3,4]]" + " " * 3_000_000), 0), (text("[[1,2],[3,4]]"), 1)):
        found = FORM.body(body)
        assert found is not None
        found.end()
        assert len(usual_body._KEPT) == kept


def test_what_is_read_at_once_is_what_the_thorough_way_reads(tiny, instance, monkeypatch):
    """Good bodies, each with some bytes changed, cut off or doubled: the same instances, or the same refusal."""
    rng = random.Random(11)
    pieces = [b"null", b"-1", b"1e308", b"[]", b"{}", b'""', b"true", b"99999999999999999999", b",", b"[", b"]", b"0"]
    good = [
        orjson.dumps({"instances": [instance, instance], "parameters": {"sensitivity": 60}}),
        orjson.dumps({"instances": [{**instance, "calibration": None, "sensitivity": 40}]}, option=orjson.OPT_INDENT_2),
    ]
    bodies = []
    for _ in range(1_500):
        body = rng.choice(good)
        for _ in range(rng.randrange(1, 3)):
            at = rng.randrange(len(body))
            body = body[:at] + rng.choice([*pieces, body[at : at + 9]]) + body[at + rng.randrange(6) :]
        bodies.append(body)

    def outcomes() -> list[Any]:
        reader = Reader(tiny, CalibrationCache())
        return [outcome(reader, body) for body in bodies]

    def outcome(reader: Reader, body: bytes) -> Any:
        try:
            parts = list(reader.parts(body))
        except ApiError as e:
            return e.status, e.code, str(e)
        return [(p.device_ids, p.windows.ends.tolist(), p.windows.values.tolist(), str(p.factors)) for p in parts]

    quick = outcomes()
    monkeypatch.setattr(UsualForm, "body", lambda *_: None)
    assert quick == outcomes()
    assert 50 < sum(isinstance(found, list) for found in quick) < 1_450
