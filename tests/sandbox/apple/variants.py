"""Every kind of server token file worth trying on a reader, by name.

`READABLE` files must open and yield the five values; `UNREADABLE` ones must be refused. Files that
need another certificate (wrong key, several recipients) are made where that certificate is.
"""

from collections.abc import Mapping

from tests.sandbox.apple.shape import Armour, Cipher, KeyTransport, Shape

READABLE: Mapping[str, Shape] = {
    "apple": Shape(),
    "crlf": Shape(line_end=b"\r\n"),
    "sixty-four columns": Shape(columns=64),
    "one long line": Shape(columns=100_000),
    "base64 without headers": Shape(armour=Armour.BARE),
    "pem": Shape(armour=Armour.PEM),
    "raw ber": Shape(armour=Armour.RAW),
    "raw der": Shape(armour=Armour.RAW, open_ended=False),
    "der": Shape(open_ended=False),
    "broken first header": Shape(broken_header=True),
    "broken first header, crlf": Shape(broken_header=True, line_end=b"\r\n"),
    "several octet strings": Shape(chunk=100),
    "several octet strings, definite": Shape(chunk=100, open_ended=False),
    "aes-256": Shape(cipher=Cipher.AES_256_CBC),
    "without begin and end": Shape(begin_end=False),
    "crlf inside": Shape(body_line_end=b"\r\n"),
}

UNREADABLE: Mapping[str, Shape] = {
    "aes-192": Shape(cipher=Cipher.AES_192_CBC),
    "triple des": Shape(cipher=Cipher.DES_EDE3_CBC),
    "aes-gcm": Shape(cipher=Cipher.AES_128_GCM),
    "oaep": Shape(key_transport=KeyTransport.OAEP),
    "subject key identifier": Shape(subject_key_identifier=True, version=2),
    "signed data": Shape(content_type="1.2.840.113549.1.7.2"),
    "unknown serial": Shape(serial=4711),
    "negative serial": Shape(serial=-8985984398049445604),
    "no recipient": Shape(no_recipients=True),
    "bytes after the end": Shape(trailing=b"\x00\x00\x00"),
    "a second cms after the end": Shape(trailing=b"\x30\x80\x00\x00"),
    "deep nesting": Shape(nesting=200),
    "cut base64": Shape(cut_base64=203),
    "cut cms": Shape(cut_cms=150),
    "without end of contents": Shape(cut_cms=10),
    "flipped first byte": Shape(flipped=0),
    "flipped padding": Shape(flipped=-17),
    "empty ciphertext": Shape(empty_ciphertext=True),
    "empty text": Shape(text=b""),
    "zero bytes": Shape(text=b"\x00" * 498),
    "not json": Shape(json='{"consumer_key":'),
    "a json list": Shape(json='["consumer_key"]'),
    "not utf-8": Shape(text=b"-----BEGIN MESSAGE-----\n{\xff\xfe}\n-----END MESSAGE-----\n"),
    "deep json": Shape(json="[" * 20_000),
    "a key twice": Shape(doubled=("access_token",)),
    "six keys": Shape(instead={"extra": "value"}),
    "four keys": Shape(without=("access_secret",)),
    "a number for a value": Shape(instead={"consumer_secret": 7}),
    "null for a value": Shape(instead={"access_token": None}),
    "empty value": Shape(instead={"access_token": ""}),
    "zero byte in a value": Shape(instead={"access_token": "AT_\x00"}),
    "line break in a value": Shape(instead={"consumer_key": "CK_\r\nX-Injected: 1"}),
    "expiry without zone": Shape(instead={"access_token_expiry": "2099-01-01T00:00:00"}),
    "expiry of no calendar": Shape(instead={"access_token_expiry": "2099-02-30T00:00:00Z"}),
}
