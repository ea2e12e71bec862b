"""The place of an output by its given name, and refusals before anything is made."""

import os
import stat
import threading
from pathlib import Path

import pytest

from stillmotion.outputs import (
    BACKUP,
    CLIP,
    THUMBNAIL,
    Draft,
    IfThere,
    InputPaths,
    OutputRefused,
    OutputUnwritable,
    collision,
    is_folder,
    place,
    put,
)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder with a photograph as input, and an existing clip."""
    monkeypatch.chdir(tmp_path)
    Path("photo.jpg").write_bytes(b"photo")
    Path("clip.mp4").write_bytes(b"old")
    Path("clips").mkdir()
    return tmp_path


@pytest.fixture
def made(tmp_path_factory):
    file = tmp_path_factory.mktemp("made") / "made"
    file.write_bytes(b"new" * 100_000)
    return file


def asked(named, if_there=IfThere.REFUSE, kind=CLIP):
    return place(named, kind, "photo", if_there=if_there, inputs=InputPaths(["photo.jpg"]))


@pytest.mark.parametrize(
    ("named", "path"),
    [
        ("out.mp4", "out.mp4"),
        ("OUT.MP4", "OUT.MP4"),
        ("new/deep/out.mp4", "new/deep/out.mp4"),
        ("clips", "clips/photo.mp4"),
        ("clips/", "clips/photo.mp4"),
        ("new", "new/photo.mp4"),
        ("new.folder/", "new.folder/photo.mp4"),
        (".", "photo.mp4"),
        ("clips/..", "clips/../photo.mp4"),
    ],
)
def test_a_name_is_a_file_s_or_a_folder_s(named, path, made):
    assert put(made, asked(named)) == Path(path)
    assert Path(path).read_bytes() == made.read_bytes()


def test_a_folder_is_known_by_its_slash_by_being_one_or_by_having_no_suffix():
    assert [each for each in ("a/", "clips", "a", "a.mp4", "-", "photo.jpg", "clips/.") if is_folder(each)] == [
        *("a/", "clips", "a", "clips/.")
    ]


@pytest.mark.parametrize(
    ("named", "sentence"),
    [
        ("clip.mp4", "clip.mp4 is there already: --overwrite replaces it, or give another place with -o"),
        ("x.gif", r"ends in \.gif, but a clip is an MP4, so its name ends in \.mp4; for a folder .* write x\.gif/"),
        ("v1.2", r"ends in \.2, but a clip is an MP4"),
        ("clip.", "but a clip is an MP4"),
        (".mp4", "is a suffix without a name"),
        ("", "an empty name is no place"),
        ("a\0b", "is no name of a file"),
        ("photo.jpg/x.mp4", "photo.jpg is a file, so that nothing can be written into it"),
        ("photo.jpg/", "photo.jpg is a file, so that nothing can be written into it"),
        ("x" * 300 + ".mp4", "is too long a name"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_remedy(named, sentence):
    with pytest.raises(OutputRefused, match=sentence):
        asked(named)
    assert sorted(each.name for each in Path().iterdir()) == ["clip.mp4", "clips", "photo.jpg"]


def test_a_descriptor_that_is_not_open_is_refused():
    # The runner may have handed this process any other number as an open descriptor.
    number = os.open("photo.jpg", os.O_RDONLY)
    os.close(number)
    with pytest.raises(OutputRefused, match=f"/dev/fd/{number} is not open"):
        asked(f"/dev/fd/{number}")


def linked(kind, to="photo.jpg", name="out.mp4"):
    if kind == "soft":
        Path(name).symlink_to(to)
    else:
        Path(name).hardlink_to(to)
    return name


@pytest.mark.parametrize("if_there", [IfThere.REFUSE, IfThere.REPLACE, IfThere.KEEP])
@pytest.mark.parametrize(
    "name",
    [
        lambda: "photo.jpg",
        lambda: "clips/../photo.jpg",
        lambda: str(Path("photo.jpg").absolute()),
        lambda: linked("soft"),
        lambda: linked("hard"),
        lambda: linked("soft", linked("soft", name="between.mp4"), "last.mp4"),
    ],
    ids=["itself", "by way of a folder", "from the root", "soft link", "hard link", "link of a link"],
)
def test_what_is_read_is_never_written_by_whatever_name(name, if_there):
    with pytest.raises(OutputRefused, match="is what is read"):
        asked(name(), if_there, THUMBNAIL)
    with pytest.raises(OutputRefused, match="is what is read"):
        asked("photo.jpg", if_there)


def test_what_is_read_is_not_written_by_another_spelling_where_case_does_not_count():
    if not Path("PHOTO.JPG").exists():
        pytest.skip("this file system tells small letters from capitals")
    with pytest.raises(OutputRefused, match="is what is read"):
        asked("PHOTO.JPG", IfThere.REPLACE, THUMBNAIL)
    assert collision([asked("a.mp4"), asked("A.mp4")])


def test_nothing_is_written_into_a_folder_that_is_read():
    Path("elsewhere").symlink_to("clips")
    with pytest.raises(OutputRefused, match="lies in clips, which is what is read"):
        place("elsewhere/new/b.tar", BACKUP, "b", inputs=InputPaths(folders=["clips"]))


def test_what_is_there_is_replaced_where_that_was_asked_for_with_its_permissions(made):
    Path("clip.mp4").chmod(0o640)
    os.link("clip.mp4", "copy.mp4")
    put(made, asked("clip.mp4", IfThere.REPLACE))
    assert Path("clip.mp4").read_bytes() == made.read_bytes()
    assert stat.S_IMODE(Path("clip.mp4").stat().st_mode) == 0o640
    assert Path("copy.mp4").read_bytes() == b"old"


def test_what_is_protected_against_writing_is_not_replaced():
    Path("clip.mp4").chmod(0o444)
    with pytest.raises(OutputRefused, match="is protected against writing"):
        asked("clip.mp4", IfThere.REPLACE)


@pytest.mark.parametrize("target", ["clip.mp4", "new/other"])
def test_a_link_stays_and_what_it_leads_to_is_written(made, target):
    Path("link.mp4").symlink_to(target)
    put(made, asked("link.mp4", IfThere.REPLACE))
    assert str(Path("link.mp4").readlink()) == target
    assert Path(target).read_bytes() == made.read_bytes()


def test_a_link_that_leads_round_to_itself_is_refused():
    Path("round.mp4").symlink_to("round.mp4")
    with pytest.raises(OutputRefused, match="is a link that leads round to itself"):
        asked("round.mp4", IfThere.REPLACE)


def test_a_name_that_is_taken_is_numbered_where_that_was_asked_for(made):
    assert [put(made, asked("clip.mp4", IfThere.NUMBER)) for _ in range(2)] == [Path("clip-2.mp4"), Path("clip-3.mp4")]
    assert Path("clip.mp4").read_bytes() == b"old"


def test_two_at_once_to_one_place_both_end_and_one_of_them_is_there(made):
    drafts = [Draft(asked("out.mp4")) for _ in range(2)]
    for number, draft in enumerate(drafts):
        draft.file.write(b"%d" % number)
    drafts[1].publish()
    with pytest.raises(OutputRefused, match=r"out\.mp4 is there already"):
        drafts[0].publish()
    assert Path("out.mp4").read_bytes() == b"1"
    assert sorted(each.name for each in Path().iterdir()) == ["clip.mp4", "clips", "out.mp4", "photo.jpg"]


def test_a_picture_that_is_moved_to_the_place_meanwhile_is_not_lost(made):
    draft = Draft(asked("clip.mp4", IfThere.REPLACE))
    draft.file.write(b"new")
    Path("clip.mp4").unlink()
    os.link("photo.jpg", "clip.mp4")
    with pytest.raises(OutputRefused, match="is what is read"):
        draft.publish()
    assert Path("clip.mp4").read_bytes() == b"photo"


def test_until_it_is_published_nothing_is_to_be_seen_of_a_draft_and_after_it_is_abandoned_nothing():
    draft = Draft(asked("new/deep/out.mp4"))
    draft.file.write(b"half")
    draft.abandon()
    assert sorted(each.name for each in Path().iterdir()) == ["clip.mp4", "clips", "photo.jpg"]


def test_where_files_without_a_name_cannot_be_had_a_hidden_one_is_used(made, monkeypatch):
    monkeypatch.delattr(os, "O_TMPFILE")
    draft = Draft(asked("out.mp4"))
    draft.file.write(b"new")
    assert [each.name[:13] for each in Path().glob(".*")] == [".stillmotion-"]
    draft.publish()
    put(made, asked("clip.mp4", IfThere.REPLACE))
    assert Path("out.mp4").read_bytes() == b"new"
    assert sorted(each.name for each in Path().iterdir()) == ["clip.mp4", "clips", "out.mp4", "photo.jpg"]


def test_a_pipe_with_a_name_is_written_through_once_somebody_reads(made):
    os.mkfifo("pipe")
    read = []
    reader = threading.Timer(0.2, lambda: read.append(Path("pipe").read_bytes()))
    reader.start()
    put(made, asked("pipe"))
    reader.join()
    assert read == [made.read_bytes()]
    assert stat.S_ISFIFO(Path("pipe").stat().st_mode)


def test_whoever_waits_for_a_reader_can_be_stopped(made):
    os.mkfifo("pipe")
    with pytest.raises(OutputUnwritable, match="it was stopped"):
        put(made, asked("pipe"), lambda: True)


def test_a_device_is_written_through_and_a_full_one_is_said(made):
    put(made, asked("/dev/null"))
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    with pytest.raises(OutputUnwritable, match=r"/dev/full cannot be written: No space left on device\. Make room"):
        put(made, asked("/dev/full"))


def test_an_open_file_of_our_own_is_written_through(made):
    reading, writing = os.pipe()
    read = []
    reader = threading.Thread(target=lambda: read.append(os.fdopen(reading, "rb").read()))
    reader.start()
    put(made, asked(f"/dev/fd/{writing}"))
    os.close(writing)
    reader.join()
    assert read == [made.read_bytes()]
    with Path("photo.jpg").open("ab") as photo, pytest.raises(OutputRefused, match=r"goes to photo\.jpg, which is"):
        asked(f"/dev/fd/{photo.fileno()}")


def test_two_names_of_one_file_are_found(made):
    Path("link.mp4").symlink_to("clip.mp4")
    Path("other.mp4").symlink_to("new.mp4")
    for one, other in (("clip.mp4", "link.mp4"), ("new.mp4", "other.mp4"), ("a.mp4", "clips/../a.mp4")):
        assert collision([asked(one, IfThere.KEEP), asked("b.mp4"), asked(other, IfThere.KEEP)])
    assert collision([asked("a.mp4"), asked("b.mp4"), asked("clips/a.mp4")]) is None


def test_only_its_owner_may_read_a_backup(made):
    put(made, place("backups/", BACKUP, "monday"))
    assert stat.S_IMODE(Path("backups/monday.tar").stat().st_mode) == 0o600
