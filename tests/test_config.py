"""Settings: their sources, their precedence, and the message for a wrong value."""

import re

import pytest

from stillmotion.composition.engines import video_codec
from stillmotion.composition.watching import setting_views
from stillmotion.config import SettingsError, load
from stillmotion.domain.request import VideoCodec
from stillmotion.media.output import encoder


def test_nothing_set_is_fine():
    settings, origins = load({})
    assert settings.port == 8080
    assert {each.source for each in origins} == {"default"}


def test_the_command_line_beats_the_environment_beats_the_file(tmp_path):
    file = tmp_path / "settings.toml"
    file.write_text('port = 1\nhost = "0.0.0.0"\nrenderers = 2\n[models]\nmine = "parallax/1"\n')
    settings, origins = load(
        {"STILLMOTION_PORT": "2", "STILLMOTION_HOST": "::1"}, file, {"port": 3, "host": None, "data_dir": tmp_path}
    )
    assert (settings.port, settings.host, settings.renderers, settings.data_dir) == (3, "::1", 2, tmp_path)
    assert settings.models == {"mine": "parallax/1"}
    sources = {each.name: each.source for each in origins}
    assert (sources["port"], sources["host"], sources["renderers"]) == ("command line", "environment", "file")


def test_lists_and_tables_from_the_environment():
    settings, _ = load(
        {
            "STILLMOTION_MODELS": "a=parallax/1, b=parallax/1",
            "STILLMOTION_FETCH_ALLOWED_PORTS": "80,8000",
            "STILLMOTION_FETCH_ALLOW_CIDRS": "127.0.0.0/8, ::1/128",
        }
    )
    assert settings.models == {"a": "parallax/1", "b": "parallax/1"}
    assert settings.fetch_allowed_ports == (80, 8000)
    assert settings.fetch_allow_cidrs == ("127.0.0.0/8", "::1/128")


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"STILLMOTION_PORT": "x"}, "STILLMOTION_PORT (environment) is 'x': expected a whole number, got text."),
        ({"STILLMOTION_PORT": "70000"}, "STILLMOTION_PORT (environment) is 70000: give a number from 0 to 65535."),
        ({"STILLMOTION_LOG_LEVEL": "loud"}, "give one of debug, info, warning, error"),
        ({"STILLMOTION_VIDEO_CODEC": "vp9"}, "give one of h264, av1"),
        ({"STILLMOTION_MODELS": "a"}, "write it as name=value"),
        ({"STILLMOTION_PRT": "1"}, "STILLMOTION_PRT (environment) is not a setting. There are: data_dir, host, port"),
    ],
)
def test_a_wrong_setting_is_named_with_its_fix(environment, sentence):
    with pytest.raises(SettingsError) as refused:
        load(environment)
    assert sentence in str(refused.value)


@pytest.mark.parametrize("content", [b"port = ", b"\xff\xfe", None])
def test_a_settings_file_that_cannot_be_read_is_named(tmp_path, content):
    file = tmp_path / "settings.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError, match=r"settings\.toml"):
        load({}, file)


def test_a_codec_that_this_installation_lacks_is_refused_with_the_fix(monkeypatch):
    settings, _ = load({"STILLMOTION_VIDEO_CODEC": "av1"})
    assert video_codec(settings) is VideoCodec.AV1
    monkeypatch.setattr(encoder, "can_encode", lambda codec: codec is VideoCodec.H264)
    with pytest.raises(
        SettingsError, match="video_codec is av1, but the installed PyAV has no encoder for it: set h264"
    ):
        video_codec(settings)
    assert video_codec(load({})[0]) is VideoCodec.H264


@pytest.mark.parametrize("key", ["short", "k" * 31, "k" * 129, "k" * 40 + " ", "é" * 40])
def test_an_operators_key_that_is_no_secret_is_refused_and_not_repeated(key):
    with pytest.raises(SettingsError, match=r"STILLMOTION_ADMIN_KEY .* must be 32 to 128 .*openssl rand") as refused:
        load({"STILLMOTION_ADMIN_KEY": key})
    assert key not in str(refused.value)


def test_secrets_are_not_shown():
    hidden = {"STILLMOTION_STORAGE_OPTIONS": "secret_access_key=hush", "STILLMOTION_ADMIN_KEY": "hush" * 8}
    settings, origins = load(hidden)
    assert "hush" not in repr(settings)
    assert all("hush" not in each.value for each in origins)


STORE = "postgresql://ada:hush%40hush@one.example.com:5432,two.example.com/clips"


@pytest.mark.parametrize(
    ("store", "shown"),
    [
        ("local", "local"),
        (STORE, "postgresql://ada@one.example.com:5432,two.example.com/clips"),
        (f"{STORE}?password=hush&application_name=x", "postgresql://ada@one.example.com:5432,two.example.com/clips"),
        ("postgres://ada@[::1]:5432/clips", "postgres://ada@[::1]:5432/clips"),
        ("postgresql:///clips?host=/run/postgresql&passfile=/etc/pass", "postgresql:///clips"),
        ("postgresql://", "postgresql://"),
    ],
)
def test_a_store_is_shown_without_its_password(store, shown):
    settings, origins = load({"STILLMOTION_STORE": store})
    assert settings.store == store
    assert {each.name: each.value for each in origins}["store"] == shown
    view = next(each for each in setting_views(settings) if each.name == "store")
    assert (view.value, view.is_secret) == (shown, False)
    assert "hush" not in f"{settings!r} {origins!r} {setting_views(settings)!r}"


@pytest.mark.parametrize(
    "store",
    [
        "sqlite:///hush.db",
        "postgresql://ada:hu/sh@example.com/clips",
        "postgresql://ada:1/hush@example.com/clips",
        "postgresql://ada:hu?sh@example.com/clips",
        "postgresql://ada:1?hush@example.com/clips",
        "postgresql://ada:hu#sh@example.com/clips",
        "postgresql://ada:hu@sh@example.com/clips",
        "postgresql://ada:hush@example.com:port/clips",
        "postgresql://ada:hush@exam ple.com/clips",
        "postgresql://ada:hush@example.com/clips\n",
        "postgresql://[::1/hush",
    ],
)
def test_an_unreadable_store_is_refused_and_not_repeated(store):
    with pytest.raises(SettingsError, match=r"STILLMOTION_STORE \(environment\) is not what it should be: ") as refused:
        load({"STILLMOTION_STORE": store})
    assert not re.search(r"hu\W?sh|example\.com/clips", str(refused.value))


@pytest.mark.parametrize("name", ["secret", "secret_before"])
def test_a_secret_is_64_hexadecimal_digits_and_hidden(name):
    settings, origins = load({}, given={name: "AF" * 32})
    assert getattr(settings, name) == "AF" * 32
    assert "AFAF" not in f"{settings!r} {origins!r} {setting_views(settings)!r}"
    for wrong in ("AF" * 31, "xy" * 32, "AF" * 33):
        with pytest.raises(
            SettingsError, match=rf"^{name} \(command line\) is not .*: .*openssl rand -hex 32"
        ) as refused:
            load({}, given={name: wrong})
        assert wrong not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("public_url", "https://ada:hush@example.com/", "is 'https://(hidden)@example.com/': give an address"),
        ("server", "http://ada:hush@example.com", "is 'http://(hidden)@example.com': write no password into"),
        ("storage", "s3://ada:hush@bucket", "is 's3://(hidden)@bucket': write no keys into the address"),
        ("host", "http://ada:hush@example.com/\n", "is 'http://(hidden)@example.com/"),
        ("signals", "loud", "give one of auto, listen, poll"),
        ("trusted_proxies", "10", "give a number from 0 to 9"),
    ],
)
def test_a_wrong_address_is_told_without_its_password(name, value, sentence):
    with pytest.raises(SettingsError) as refused:
        load({}, given={name: value})
    assert sentence in str(refused.value)
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize("contact", ["two words", "a)b", "line\nend", "ü@example.com"])
def test_a_contact_that_no_header_can_hold_is_refused(contact):
    with pytest.raises(SettingsError, match=r"contact .* (must be an address like https://|there is a control)"):
        load({}, given={"contact": contact})
    assert load({}, given={"contact": "https://example.com/bot?x=1"})[0].contact == "https://example.com/bot?x=1"
