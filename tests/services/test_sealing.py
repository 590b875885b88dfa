"""Claims about secrets at rest: they open where they were sealed, and nowhere else."""

from base64 import b64decode, b64encode

import pytest

from services.errors import SealBroken
from services.keys import open_keys, prove_keys
from services.sealing import EncryptionKey, KeyRing, SealedRow, new_key, parse_keys
from storage.database import Database
from tests.storage import facts

OLD = EncryptionKey(name="old", key=b"o" * 32)
NEW = EncryptionKey(name="new", key=b"n" * 32)
RING = KeyRing((OLD,))
VALUES = {"consumer_secret": b"CS_invented", "access_secret": b"AS_invented"}


def sealed() -> SealedRow:
    return RING.seal_row("credentials", "row-1", VALUES)


def opened_with(ring: KeyRing, row: SealedRow) -> dict[str, bytes]:
    return ring.open_row("credentials", "row-1", row)


def flips(text: str) -> list[str]:
    """The sealed value with each byte of its nonce and ciphertext changed in turn."""
    head, _, encoded = text.rpartition(":")
    raw = b64decode(encoded)
    return [
        f"{head}:{b64encode(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]).decode()}"
        for at in range(len(raw))
    ]


def refused(row: SealedRow, *, table: str = "credentials", row_id: str = "row-1") -> SealBroken:
    with pytest.raises(SealBroken) as caught:
        RING.open_row(table, row_id, row)
    return caught.value


def test_what_was_sealed_opens() -> None:
    assert opened_with(RING, sealed()) == VALUES


def test_nothing_is_sealed_twice_alike() -> None:
    assert sealed().fields["consumer_secret"] != sealed().fields["consumer_secret"]
    assert sealed().data_key != sealed().data_key


def test_a_sealed_value_shows_its_form_and_key_and_nothing_else() -> None:
    row = sealed()
    assert row.data_key.startswith("v1:old:")
    assert all(value.startswith("v1:data_key:") for value in row.fields.values())
    assert not any(part.decode() in str(row) for part in VALUES.values())


def test_a_row_does_not_open_under_another_id() -> None:
    refused(sealed(), row_id="row-2")


def test_a_row_does_not_open_in_another_table() -> None:
    refused(sealed(), table="key_pair")


def test_the_parts_of_a_place_do_not_run_into_each_other() -> None:
    row = RING.seal_row("ab", "c", {"d": b"secret"})
    for table, row_id in [("a", "bc"), ("abc", ""), ('ab","c', "")]:
        refused(row, table=table, row_id=row_id)


def test_a_value_does_not_open_in_another_field() -> None:
    row = sealed()
    swapped = {"consumer_secret": row.fields["access_secret"]}
    refused(SealedRow(data_key=row.data_key, fields=swapped))


def test_a_value_does_not_open_in_another_row_even_with_that_rows_key() -> None:
    one = sealed()
    other = RING.seal_row("credentials", "row-2", VALUES)
    refused(SealedRow(data_key=one.data_key, fields=other.fields))
    refused(SealedRow(data_key=other.data_key, fields=other.fields))


def test_a_data_key_is_not_taken_for_a_field() -> None:
    row = sealed()
    refused(SealedRow(data_key=row.data_key, fields={"data_key": row.data_key}))


def test_each_changed_byte_of_a_value_is_seen() -> None:
    row = sealed()
    for changed in flips(row.fields["consumer_secret"]):
        refused(SealedRow(data_key=row.data_key, fields={"consumer_secret": changed}))


def test_each_changed_byte_of_a_data_key_is_seen() -> None:
    row = sealed()
    for changed in flips(row.data_key):
        refused(SealedRow(data_key=changed, fields=row.fields))


@pytest.mark.parametrize("rest", ["", "AAAA", "!", "A" * 15, "é"])
def test_a_value_that_is_cut_short_or_no_base64_is_refused(rest: str) -> None:
    row = sealed()
    error = refused(SealedRow(data_key=row.data_key, fields={"consumer_secret": f"v1:k:{rest}"}))
    assert "Restore the right key" in error.user_message


@pytest.mark.parametrize("unknown", ["", "CS_in_clear", "v0:old:AAAA", "v2:old:AAAA", "v1:old"])
def test_an_unknown_form_is_refused_and_never_taken_for_clear_text(unknown: str) -> None:
    row = sealed()
    for broken in (
        SealedRow(data_key=row.data_key, fields={"consumer_secret": unknown}),
        SealedRow(data_key=unknown, fields=row.fields),
    ):
        error = refused(broken)
        assert "a form that this release does not know" in error.user_message
        assert "CS_in_clear" not in f"{error}{error.user_message}"


def test_the_first_key_seals_and_every_key_opens() -> None:
    both = KeyRing((NEW, OLD))
    assert opened_with(both, sealed()) == VALUES
    assert both.seal_row("credentials", "row-1", VALUES).data_key.startswith("v1:new:")


def test_a_missing_key_is_named() -> None:
    with pytest.raises(SealBroken) as caught:
        opened_with(KeyRing((NEW,)), sealed())
    assert "with the key 'old', which is not in ENCRYPTION_KEYS" in caught.value.user_message


def test_another_key_of_the_same_name_does_not_open() -> None:
    wrong = KeyRing((EncryptionKey(name="old", key=b"x" * 32),))
    with pytest.raises(SealBroken, match="does not open with the key 'old'"):
        opened_with(wrong, sealed())


def test_nothing_secret_is_shown() -> None:
    key = b64encode(OLD.key).decode()
    for shown in (repr(OLD), repr(RING), str(RING), repr(sealed())):
        assert "oooo" not in shown
        assert key not in shown
        assert "invented" not in shown


def test_a_new_key_can_be_parsed_and_is_another_each_time() -> None:
    one, two = new_key("k1"), new_key("k2")
    assert parse_keys((one, two)).names() == {"k1", "k2"}
    assert parse_keys((one, two)).first.name == "k1"
    assert one.partition(":")[2] != two.partition(":")[2]
    assert len(b64decode(one.partition(":")[2])) == 32


SHORT = "c2hvcnQ="
LONG = b64encode(b"l" * 33).decode()
KEY = b64encode(b"k" * 32).decode()


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "k2",
        KEY,
        f":{KEY}",
        f"k2:{SHORT}",
        f"k2:{LONG}",
        f"k2:{KEY[:-2]}!!",
        "k2:" + "k" * 32,
    ],
)
def test_a_malformed_key_is_named_by_its_place_and_never_shown(entry: str) -> None:
    with pytest.raises(SealBroken) as caught:
        parse_keys((f"k1:{KEY}", entry))
    said = f"{caught.value}{caught.value.user_message}"
    assert "Entry 2 of ENCRYPTION_KEYS" in said
    assert not any(part in said for part in (KEY[:20], SHORT, LONG[:20], "kkkk") if part)
    chain = caught.value.__cause__, caught.value.__context__
    assert not any(KEY[:20] in repr(link) for link in chain)


@pytest.mark.parametrize("entries", [(), (f"k1:{KEY}", f"k1:{KEY}")])
def test_no_key_or_a_name_twice_is_refused(entries: tuple[str, ...]) -> None:
    with pytest.raises(SealBroken) as caught:
        parse_keys(entries)
    assert "enroll-token keys new" in caught.value.user_message


async def test_a_wrong_key_is_told_at_start(database: Database) -> None:
    await open_keys(database, RING)
    await open_keys(database, RING)
    wrong = KeyRing((EncryptionKey(name="old", key=b"x" * 32),))
    with pytest.raises(SealBroken, match="does not open with the key 'old'"):
        await open_keys(database, wrong)
    assert await prove_keys(database, RING) == {"old"}


async def test_a_key_that_ever_sealed_here_may_not_be_left_out(database: Database) -> None:
    await open_keys(database, RING)
    with pytest.raises(SealBroken, match="key 'old' is not in ENCRYPTION_KEYS"):
        await open_keys(database, KeyRing((NEW,)))
    await open_keys(database, KeyRing((NEW, OLD)))
    assert await prove_keys(database, KeyRing((NEW, OLD))) == {"old", "new"}


async def test_the_check_of_one_key_does_not_do_for_another(database: Database) -> None:
    await open_keys(database, RING)
    async with database.writer.begin() as connection:
        await connection.exec_driver_sql("UPDATE key_check SET key_name = 'new'")
    with pytest.raises(SealBroken):
        await open_keys(database, KeyRing((NEW,)))


async def test_sealed_rows_without_any_check_are_refused(database: Database) -> None:
    token = facts.token()
    async with database.write() as tx:
        await tx.tokens.add(token)
        await tx.key_pairs.add(facts.key_pair(token.id))
    with pytest.raises(SealBroken) as caught:
        await open_keys(database, RING)
    assert "Restore it from a backup" in caught.value.user_message
