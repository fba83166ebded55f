"""Every text the user can read stands in one place and in the German dictionary, and errors find their translation."""

import string

import pytest

bpy = pytest.importorskip("bpy")

from . import messages  # noqa: E402
from .conftest import part  # noqa: E402


@pytest.fixture
def german(extension):
    return part("operators.language.german.labels").GERMAN


@pytest.fixture
def read_german(extension, monkeypatch):
    """The user reads German; bpy itself is built without languages."""
    language = part("operators.language.translate")
    monkeypatch.setattr(language, "locale", lambda: "de_DE")
    return language


def fields(text):
    return sorted((name, spec) for _, name, spec, _ in string.Formatter().parse(text) if name is not None)


def test_strings_are_translated(german):
    missing = messages.texts_of_strings(part("operators.language.strings")) - german.keys()
    assert not missing, f"{len(missing)} texts of strings.py are not in german/: {sorted(missing)}"


def test_errors_and_progress_are_translated(german):
    errors = messages.raised_texts(part("inference.errors"))
    steps = messages.progress_texts()
    assert len(errors) > 50 and len(steps) > 12, "the collector finds what is raised and shown"
    missing = {text: where for text, where in (errors | steps).items() if text not in german}
    assert not missing, f"{len(missing)} texts are not in german_engine.py: {missing}"


def test_translations_fill_the_same_fields(german):
    wrong = [text for text, translated in german.items() if fields(text) != fields(translated)]
    assert not wrong


def test_a_translation_is_not_the_english_text(german):
    """Words that German shares, numbers and pure patterns aside."""
    shared = {"Portrait Manifolds", "CUDA", "DirectML", "WebGPU", "Core ML", "OpenVINO", "GPU", "CPU", "Marching Cubes"}
    shared |= {"Threads", "Splats", "Mesh", "Meshes", "In EEVEE", "Problem"}
    shared |= {"SHA-256: {sha256}", "{state} in {seconds:.1f} s"}

    def has_words(text):
        return any(char.isalpha() for literal, *_ in string.Formatter().parse(text) for char in literal)

    assert {text for text, translated in german.items() if text == translated and has_words(text)} <= shared


def test_no_text_stands_outside_of_strings():
    found = list(messages.literal_reports())
    assert not found, found


def test_blender_gets_the_dictionary(extension):
    """Each text in both contexts in which Blender looks labels up; unregistered with the extension."""
    language = part("operators.language.translate")
    handed = {}

    class Translations:
        register = staticmethod(lambda domain, tables: handed.update({domain: tables}))
        unregister = staticmethod(handed.pop)

    class Bpy:
        class app:  # noqa: N801
            translations = Translations

    before, language.bpy = language.bpy, Bpy
    try:
        language.register()
        tables = handed[language.DOMAIN]
        assert tables["de_DE"]["Operator", "Invert"] == tables["de"]["*", "Invert"] == "Invertieren"
        language.unregister()
        assert handed == {}
    finally:
        language.bpy = before


def test_messages_are_translated_before_they_are_filled(read_german):
    strings = part("operators.language.strings")
    assert strings.INVERTED.format(name="Anna") == "Anna ist fertig; „In der Ansicht zeigen“ sieht es an"
    assert strings.POSE_NUMBERS.format(yaw=1.4, pitch=-2, roll=0) == "Gierung 1°  Nicken -2°  Rollen 0°"


@pytest.mark.parametrize(
    ("english", "translated"),
    [
        ("/a b.jpg is empty; copy the photo again", "/a b.jpg ist leer; das Foto noch einmal kopieren"),
        ("there is no face 3: 2 faces were found, counted from 0 (the likeliest); choose another",
         "Es gibt kein Gesicht 3: 2 Gesichter wurden gefunden, von 0 (dem wahrscheinlichsten) an gezählt; "
         "ein anderes wählen"),
        ("a.jpg: b.jpg is empty; copy the photo again", "a.jpg: b.jpg ist leer; das Foto noch einmal kopieren"),
        ("looking for faces", "Gesichter werden gesucht"),
        ("no translation of this", "no translation of this"),
        ("", ""),
    ],
)  # fmt: skip
def test_filled_texts_find_their_pattern(read_german, english, translated):
    assert read_german.translate(english) == translated


def test_real_errors_are_reported_in_german(scene, read_german, tmp_path):
    """From the engine through the operator to the report; and the reason why a button is grey."""
    (tmp_path / "leer.jpg").write_bytes(b"")
    with pytest.raises(RuntimeError, match="leer.jpg ist leer; das Foto noch einmal kopieren"):
        bpy.ops.portrait_manifolds.import_portrait(filepath=str(tmp_path / "leer.jpg"))
    with pytest.raises(RuntimeError, match="Ein Porträt auswählen, das invertiert wurde"):
        bpy.ops.portrait_manifolds.extract_mesh()


def test_english_stays_english(extension):
    language = part("operators.language.translate")
    assert language.locale() == ""
    assert language.translate("looking for faces") == "looking for faces"
