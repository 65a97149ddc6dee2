"""The tokenizer loader against the libraries used directly, and against transformers."""

from __future__ import annotations

import json
import os
import pickle
import socket
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import mistral_common
import numpy as np
import pytest
import sentencepiece
from hypothesis import given
from hypothesis import strategies as st
from mistral_common.tokens.tokenizers.sentencepiece import SentencePieceTokenizer
from mistral_common.tokens.tokenizers.tekken import SpecialTokenPolicy, Tekkenizer
from tokenizers import AddedToken, Tokenizer, decoders, models
from transformers import PreTrainedTokenizerFast

from pytest_pretok import tokenizers as loading
from pytest_pretok.tokenizers import TokenizerError, load_tokenizer
from pytest_pretok.tokenizers.base import one_line, readable, well_formed
from pytest_pretok.tokenizers.ends import KNOWN_ENDS
from pytest_pretok.tokenizers.files import LARGEST
from pytest_pretok.tokenizers.libraries import library_errors
from pytest_pretok.tokenizers.spelled import Cutter
from tests.support import toy_tokenizers as toys

SHIPPED = Path(mistral_common.__file__).parent / "data"
SAMPLES = [
    "",
    "goose",
    " two  spaces ",
    "Gänse\n\n\tam Teich",
    "🎉 l'été <|eot_id|>the<tool> </s> <s>[INST] x",
    "<|begin_of_text|><|begin_of_text|>the miller counts geese",
    "<pad><unk>[UNK]",
]
FAST: dict[str, Callable[[], Tokenizer]] = {
    "byte_level": toys.byte_level,
    "llama_like": toys.llama_like,
    "word_level": toys.word_level,
    "unigram": toys.unigram,
}


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever is loaded here, nothing opens a connection."""

    def refuse(*_: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    return


@pytest.fixture(scope="session")
def toy_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for each toy."""
    folder = tmp_path_factory.mktemp("toys")
    for name, make in FAST.items():
        toys.save(make(), folder / name)
    (folder / "toy.model").write_bytes(toys.sentencepiece_model())
    (folder / "tekken.json").write_text(json.dumps(toys.tekken()))
    return folder


@cache
def loaded(path: Path) -> loading.Tokenizer:
    """Load once for many examples."""
    return load_tokenizer(path)


@pytest.fixture(params=FAST)
def fast(request: pytest.FixtureRequest, toy_folder: Path) -> tuple[loading.Tokenizer, Tokenizer]:
    """Ours, and the library's own object for the same file."""
    path = toy_folder / request.param / "tokenizer.json"
    return loaded(path), Tokenizer.from_file(str(path))


def refused(path: Path) -> str:
    """The one line that a path is refused with."""
    with pytest.raises(TokenizerError) as caught:
        load_tokenizer(path)
    reason = caught.value.reason
    assert str(caught.value) == reason
    assert len(reason) <= 300
    assert reason.isprintable()
    return reason


# tokenizer.json, against the tokenizers library


def test_sizes_of_a_json_file(fast: tuple[loading.Tokenizer, Tokenizer]) -> None:
    """The size is the highest id + 1, not the count of tokens."""
    ours, library = fast

    assert ours.size == max(library.get_vocab(with_added_tokens=True).values()) + 1
    assert ours.base_size == max(library.get_vocab(with_added_tokens=False).values()) + 1


def test_a_count_is_not_a_size(toy_folder: Path) -> None:
    """Six words with ids up to 40 need 41 rows."""
    ours = loaded(toy_folder / "word_level")

    assert (ours.size, ours.base_size) == (41, 41)
    assert ours.identity == "tokenizer.json, 41 ids"


def test_added_tokens_count(toy_folder: Path) -> None:
    """Four tokens were added to a vocabulary of 320."""
    ours = loaded(toy_folder / "byte_level")

    assert (ours.size, ours.base_size) == (324, 320)


def test_specials_of_a_json_file(fast: tuple[loading.Tokenizer, Tokenizer]) -> None:
    """Special are the added tokens that the file calls special."""
    ours, library = fast
    added = library.get_added_tokens_decoder()

    assert ours.specials == {
        one: str(token.content) for one, token in added.items() if token.special
    }
    assert list(ours.specials) == sorted(ours.specials)


@pytest.mark.parametrize("text", SAMPLES)
def test_encoding_with_specials(fast: tuple[loading.Tokenizer, Tokenizer], text: str) -> None:
    """Spellings become tokens as the library has it; the post-processor adds nothing."""
    ours, library = fast

    assert ours.encode(text, specials=True) == library.encode(text, add_special_tokens=False).ids


@pytest.mark.parametrize("text", SAMPLES)
def test_encoding_plainly(fast: tuple[loading.Tokenizer, Tokenizer], text: str) -> None:
    """Without specials no spelling is a token, unless the model itself has it as a word."""
    ours, library = fast
    library.encode_special_tokens = True
    words = set(library.get_vocab(with_added_tokens=False).values())

    ids = ours.encode(text, specials=False)

    assert ids == library.encode(text, add_special_tokens=False).ids
    assert not set(ids) & (set(ours.specials) - words)


@pytest.mark.parametrize("text", SAMPLES)
def test_decoding_as_the_library(fast: tuple[loading.Tokenizer, Tokenizer], text: str) -> None:
    """Special tokens are spelled out, which the library skips by default."""
    ours, library = fast
    ids = library.encode(text).ids

    assert ours.decode(ids) == library.decode(ids, skip_special_tokens=False)
    assert len(ours.pieces(ids)) == len(ids)


def test_encoding_one_way_leaves_the_other(toy_folder: Path) -> None:
    """The two ways to encode can be asked in turn."""
    ours = loaded(toy_folder / "byte_level")

    answers = [ours.encode("<|eot_id|>", specials=one) for one in (True, False, True, False)]

    assert answers[0] == answers[2] == [322]
    assert answers[1] == answers[3]
    assert len(answers[1]) > 1


def test_non_special_added_tokens_stay_tokens(toy_folder: Path) -> None:
    """An added token that is not special is part of the text."""
    ours = loaded(toy_folder / "byte_level")

    assert ours.encode("<tool>", specials=False) == [323]
    assert 323 not in ours.specials


@pytest.mark.parametrize(
    ("name", "bos", "adds"),
    [
        ("byte_level", 320, True),
        ("llama_like", 1, True),
        ("word_level", None, False),
        ("unigram", None, False),
    ],
)
def test_bos_of_a_lone_file(toy_folder: Path, name: str, bos: int | None, adds: bool) -> None:
    """What the post-processor puts before a text begins it; what it puts behind does not."""
    ours = loaded(toy_folder / name)

    assert (ours.bos, ours.adds_bos) == (bos, adds)


def test_the_model_names_its_unknown(toy_folder: Path) -> None:
    """Without any config the model's own fallback is the unknown token."""
    assert loaded(toy_folder / "llama_like").unk == 0
    assert loaded(toy_folder / "byte_level").unk is None


def test_ids_outside_are_shown(fast: tuple[loading.Tokenizer, Tokenizer]) -> None:
    """Negative, too high, far too high, and in a gap: never an exception."""
    ours, _ = fast
    outside = [-100, ours.size, 2**70]

    assert ours.decode(outside) == f"<-100?><{ours.size}?><{2**70}?>"
    assert ours.pieces(outside) == ("<-100?>", f"<{ours.size}?>", f"<{2**70}?>")


def test_gaps_are_outside(toy_folder: Path) -> None:
    """Rows without a token."""
    ours = loaded(toy_folder / "word_level")

    assert ours.pieces([4, 5, 40]) == ("geese", "<5?>", "</s>")
    assert ours.decode([5]) == "<5?>"


def test_text_after_an_outside_id_keeps_its_space(toy_folder: Path) -> None:
    """A decoder drops the first space of a text, not that of what stands inside."""
    ours = loaded(toy_folder / "llama_like")
    goose = ours.encode("goose", specials=False)

    assert ours.decode([*goose, *goose]) == "goose goose"
    assert ours.decode([*goose, -100, *goose]) == "goose<-100?> goose"


def test_numbers_of_numpy(fast: tuple[loading.Tokenizer, Tokenizer]) -> None:
    """Ids as they come out of a batch."""
    ours, _ = fast
    ids = ours.encode("the miller counts geese", specials=False)

    assert ours.decode(np.array(ids, dtype=np.int64)) == ours.decode(ids)  # type: ignore[arg-type]
    assert ours.pieces(np.array(ids, dtype=np.int32)) == ours.pieces(ids)  # type: ignore[arg-type]


def test_pieces_keep_spaces_and_show_bytes(toy_folder: Path) -> None:
    """A leading space is part of a piece; half a character is shown as its bytes."""
    byte_level, llama = loaded(toy_folder / "byte_level"), loaded(toy_folder / "llama_like")

    assert byte_level.pieces(byte_level.encode(" geese\n🎉", specials=False)) == (
        " geese",
        "\n",
        "<0xF0>",
        "<0x9F>",
        "<0x8E>",
        "<0x89>",
    )
    assert llama.pieces(llama.encode("goose\n🎉", specials=False)) == (
        " goose",
        "\n",
        "<0xF0>",
        "<0x9F>",
        "<0x8E>",
        "<0x89>",
    )


def test_a_special_is_spelled_though_its_decoder_respells(tmp_path: Path) -> None:
    """A decoder makes a space of ▁; a special token is spelled as it is."""
    tokenizer = toys.unigram()
    tokenizer.add_special_tokens(["<｜end▁of▁sentence｜>"])
    ours = load_tokenizer(toys.save(tokenizer, tmp_path))
    ids = tokenizer.encode("the goose<｜end▁of▁sentence｜>the mill", add_special_tokens=False).ids

    assert ours.decode(ids) == "the goose<｜end▁of▁sentence｜> the mill"
    assert ours.ends == (1, 124)


def test_cutting_and_filling_up_are_off(tmp_path: Path) -> None:
    """A file that truncates and pads by itself still tells the ids of a whole text."""
    tokenizer = toys.byte_level()
    whole = tokenizer.encode("the geese walk home", add_special_tokens=False).ids
    tokenizer.enable_truncation(2)
    tokenizer.enable_padding(length=50, pad_id=321, pad_token="<|end_of_text|>")
    ours = load_tokenizer(toys.save(tokenizer, tmp_path))

    assert ours.encode("the geese walk home", specials=True) == whole
    assert ours.adds_bos
    assert ours.pad == 321


def test_dropout_is_off(tmp_path: Path) -> None:
    """A vocabulary that was trained with dropout encodes the same each time."""
    tokenizer = toys.byte_level()
    whole = tokenizer.encode("the geese walk home", add_special_tokens=False).ids
    tokenizer.model.dropout = 0.9
    ours = load_tokenizer(toys.save(tokenizer, tmp_path))

    assert all(ours.encode("the geese walk home", specials=True) == whole for _ in range(20))


# folders, against transformers

CONFIG = {
    "bos_token": "<|begin_of_text|>",
    "eos_token": {"__type": "AddedToken", "content": "<|eot_id|>", "special": True},
    "pad_token": "<|end_of_text|>",
    "tokenizer_class": "PreTrainedTokenizerFast",
    "clean_up_tokenization_spaces": False,
}
ROLES = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"}
FOLDERS: dict[str, tuple[str, dict[str, Any]]] = {
    "as Llama 2": ("llama_like", {"tokenizer_config": ROLES | {"pad_token": "</s>"}}),
    "as T5": ("unigram", {"tokenizer_config": ROLES | {"bos_token": None, "pad_token": "<pad>"}}),
    "words": ("word_level", {"tokenizer_config": {"unk_token": "[UNK]", "eos_token": "</s>"}}),
}
CONFIGS: dict[str, dict[str, Any]] = {
    "plain": {"tokenizer_config": CONFIG},
    "roles in the map": {
        "tokenizer_config": {"tokenizer_class": "PreTrainedTokenizerFast"},
        "special_tokens_map": {"eos_token": "<|eot_id|>", "pad_token": {"content": "<|eot_id|>"}},
    },
    "a pad that nothing has": {"tokenizer_config": CONFIG | {"pad_token": "[PAD]"}},
    "several that nothing has": {
        "tokenizer_config": CONFIG
        | {"unk_token": "[UNK]", "pad_token": "[PAD]", "additional_special_tokens": ["<a>", "<b>"]}
    },
    "added tokens in the config": {
        "tokenizer_config": CONFIG
        | {
            "added_tokens_decoder": {
                "325": {"content": "<|im_end|>", "special": True},
                "324": {"content": "<think>", "special": False, "normalized": False},
            }
        }
    },
    "added tokens in their file": {
        "tokenizer_config": CONFIG,
        "added_tokens": {"<|extra|>": 324},
    },
    "a plain word is the end": {"tokenizer_config": CONFIG | {"eos_token": "<tool>"}},
    "a role of one model": {"tokenizer_config": CONFIG | {"image_token": "<image>"}},
}


FOLDERS |= {name: ("byte_level", files) for name, files in CONFIGS.items()}


@pytest.fixture(params=FOLDERS)
def pair(
    request: pytest.FixtureRequest, tmp_path: Path
) -> tuple[loading.Tokenizer, PreTrainedTokenizerFast]:
    """Ours, and transformers' reading of the same folder."""
    toy, files = FOLDERS[request.param]
    folder = toys.save(FAST[toy](), tmp_path, **files)
    return load_tokenizer(folder), PreTrainedTokenizerFast.from_pretrained(folder)


def test_folders_as_transformers_reads_them(
    pair: tuple[loading.Tokenizer, PreTrainedTokenizerFast],
) -> None:
    """Sizes, roles, special tokens."""
    ours, theirs = pair

    ids = set(theirs.get_vocab().values())
    assert ours.size == max(ids) + 1
    assert len(ids) == len(theirs)
    assert not [one for one in ids if ours.pieces([one]) == (f"<{one}?>",)]
    assert ours.base_size >= theirs.vocab_size
    assert (ours.bos, ours.pad, ours.unk) == (
        theirs.bos_token_id,
        theirs.pad_token_id,
        theirs.unk_token_id,
    )
    assert ours.ends[0] == theirs.eos_token_id
    assert set(theirs.all_special_ids) <= set(ours.specials)
    assert all(theirs.convert_ids_to_tokens(one) == text for one, text in ours.specials.items())
    assert ours.adds_bos == (theirs("")["input_ids"][:1] == [ours.bos])


@pytest.mark.parametrize("text", [*SAMPLES, "[PAD]<a><|im_end|><think> x<|extra|>"])
def test_texts_as_transformers_reads_them(
    pair: tuple[loading.Tokenizer, PreTrainedTokenizerFast], text: str
) -> None:
    """Ids of a text and text of ids."""
    ours, theirs = pair
    ids = theirs.encode(text, add_special_tokens=False)

    assert ours.encode(text, specials=True) == ids
    assert ours.decode(ids) == theirs.decode(ids, clean_up_tokenization_spaces=False)


def test_a_pad_outside_the_model(tmp_path: Path) -> None:
    """A pad token that only the config names makes the vocabulary one row larger."""
    folder = toys.save(
        toys.byte_level(), tmp_path, tokenizer_config=CONFIG | {"pad_token": "[PAD]"}
    )
    ours = load_tokenizer(folder)

    assert (ours.pad, ours.size) == (324, 325)
    assert ours.specials[324] == "[PAD]"
    assert ours.encode("[PAD]", specials=True) == [324]
    assert 324 not in ours.encode("[PAD]", specials=False)


def test_an_end_that_is_no_special_token(tmp_path: Path) -> None:
    """A token with a role is special, and not found in plain text, whatever its flag says."""
    folder = toys.save(
        toys.byte_level(), tmp_path, tokenizer_config=CONFIG | {"eos_token": "<tool>"}
    )
    ours = load_tokenizer(folder)

    assert ours.ends[0] == 323
    assert ours.specials[323] == "<tool>"
    assert 323 not in ours.encode("<tool>", specials=False)


def test_a_declared_end_is_special_whatever_its_flag(tmp_path: Path) -> None:
    """A token that the config adds as a plain one, and gives a role."""
    config = CONFIG | {
        "eos_token": "<done>",
        "added_tokens_decoder": {"324": {"content": "<done>", "special": False}},
    }
    ours = load_tokenizer(toys.save(toys.byte_level(), tmp_path, tokenizer_config=config))

    assert ours.ends[0] == 324
    assert ours.specials[324] == "<done>"
    assert 324 not in ours.encode("<done>", specials=False)


def test_a_word_before_each_text_is_no_bos(tmp_path: Path) -> None:
    """A lone file whose post-processor begins with an ordinary word."""
    tokenizer = toys.word_level()
    toys.begin_with(tokenizer, "the")
    ours = load_tokenizer(toys.save(tokenizer, tmp_path))

    assert (ours.bos, ours.adds_bos) == (None, False)


@pytest.mark.parametrize("said", [True, False])
def test_the_post_processor_overrides_add_bos_token(tmp_path: Path, said: bool) -> None:
    """Where there is a tokenizer.json, its post-processor alone adds BOS, as in transformers."""
    tokenizer = toys.byte_level()
    if said:
        tokenizer.post_processor = None
    folder = toys.save(tokenizer, tmp_path, tokenizer_config=CONFIG | {"add_bos_token": said})

    assert load_tokenizer(folder).adds_bos is not said


def test_without_a_bos_none_is_added(tmp_path: Path) -> None:
    """A config that names no bos has none, even if it wants it added."""
    config = {"eos_token": "<|eot_id|>", "bos_token": None, "add_bos_token": True}
    ours = load_tokenizer(toys.save(toys.byte_level(), tmp_path, tokenizer_config=config))

    assert (ours.bos, ours.adds_bos) == (None, False)


def test_a_file_by_its_usual_name_is_its_folder(tmp_path: Path) -> None:
    """tokenizer.json belongs to the files beside it; under another name it stands alone."""
    folder = toys.save(toys.byte_level(), tmp_path, tokenizer_config=CONFIG)
    copy = folder / "copy.json"
    copy.write_bytes((folder / "tokenizer.json").read_bytes())

    assert load_tokenizer(folder / "tokenizer.json").pad == 321
    assert load_tokenizer(copy).pad is None


# ends


def test_ends_of_configs(tmp_path: Path) -> None:
    """The config's eos first, then both model configs, then known spellings; none twice."""
    folder = toys.save(
        toys.byte_level(),
        tmp_path,
        tokenizer_config=CONFIG | {"pad_token": None},
        generation_config={"eos_token_id": [323, 322]},
        config={"eos_token_id": None, "text_config": {"eos_token_id": 42}},
    )

    assert load_tokenizer(folder).ends == (322, 323, 42, 321)


@pytest.mark.parametrize("value", [None, -1, [], 324, [99_999]])
def test_ends_that_are_none(tmp_path: Path, value: object) -> None:
    """No end, in the ways in which files write it; nor an id that the tokenizer lacks."""
    folder = toys.save(toys.byte_level(), tmp_path, generation_config={"eos_token_id": value})

    assert load_tokenizer(folder).ends == (321, 322)


@pytest.mark.parametrize("spelling", KNOWN_ENDS)
def test_known_spellings_end(tmp_path: Path, spelling: str) -> None:
    """Each one as a special token, and as an added one that is not special."""
    for special in (True, False):
        tokenizer = Tokenizer(models.WordLevel({"a": 0}, unk_token="a"))
        tokenizer.add_tokens([AddedToken(spelling, special=special, normalized=False)])

        assert load_tokenizer(toys.save(tokenizer, tmp_path / str(special))).ends == (1,)


@pytest.mark.parametrize("spelling", ["<|im_start|>", "<|user|>", "<|end_header_id|>", "[INST]"])
def test_other_spellings_do_not_end(tmp_path: Path, spelling: str) -> None:
    """Tokens that begin something, or end a header."""
    tokenizer = Tokenizer(models.WordLevel({"a": 0}, unk_token="a"))
    tokenizer.add_special_tokens([spelling])

    assert load_tokenizer(toys.save(tokenizer, tmp_path)).ends == ()


def test_a_pad_ends_only_if_declared(tmp_path: Path) -> None:
    """Rows that are filled up with <|end_of_text|> have not ended by it."""
    folder = toys.save(toys.byte_level(), tmp_path, tokenizer_config=CONFIG)
    assert load_tokenizer(folder).ends == (322,)

    toys.beside(folder, generation_config={"eos_token_id": [322, 321]})
    assert load_tokenizer(folder).ends == (322, 321)


@pytest.mark.parametrize("text", ["\n", " ", "\t"])
def test_white_space_is_no_end(tmp_path: Path, text: str) -> None:
    """A config that lets a line break end turns is refused, and named."""
    (number,) = toys.byte_level().encode(text, add_special_tokens=False).ids
    folder = toys.save(toys.byte_level(), tmp_path, generation_config={"eos_token_id": number})

    reason = refused(folder)

    assert "generation_config.json (eos_token_id)" in reason
    assert f"id {number} " in reason
    assert "white space" in reason


# SentencePiece, against the sentencepiece library


@pytest.fixture
def spm(toy_folder: Path) -> tuple[loading.Tokenizer, Any]:
    """Ours, and the library's own object for the same model."""
    path = toy_folder / "toy.model"
    return loaded(path), sentencepiece.SentencePieceProcessor(model_file=str(path))


def test_facts_of_a_sentencepiece_model(spm: tuple[loading.Tokenizer, Any]) -> None:
    """Ids as in Llama 2; control pieces are special, the user-defined end is only an end."""
    ours, library = spm

    assert ours.size == ours.base_size == library.get_piece_size() == 420
    assert (ours.bos, ours.pad, ours.unk) == (1, None, 0)
    assert ours.specials == {0: "<unk>", 1: "<s>", 2: "</s>", 3: "<|call|>"}
    assert ours.ends == (2, 3, 4)
    assert library.id_to_piece(4) == "<|im_end|>"
    assert not ours.adds_bos
    assert ours.identity == "toy.model, 420 ids"


@pytest.mark.parametrize("text", SAMPLES)
def test_sentencepiece_plainly(spm: tuple[loading.Tokenizer, Any], text: str) -> None:
    """The library never reads control pieces from a text."""
    ours, library = spm
    ids = ours.encode(text, specials=False)

    assert ids == library.encode(text)
    assert ours.decode(ids) == library.decode(ids) == text
    assert len(ours.pieces(ids)) == len(ids)


def test_sentencepiece_with_specials(spm: tuple[loading.Tokenizer, Any]) -> None:
    """Spellings become ids; what lies between is encoded by itself, and decoded so."""
    ours, library = spm
    ids = ours.encode("<s>the goose</s><|call|> x", specials=True)

    assert ids == [1, *library.encode("the goose"), 2, 3, *library.encode(" x")]
    assert ours.decode(ids) == "<s>the goose</s><|call|> x"


def test_pieces_of_sentencepiece(spm: tuple[loading.Tokenizer, Any]) -> None:
    """Spaces as spaces, bytes as text where they are text."""
    ours, library = spm
    newline, half = library.piece_to_id("<0x0A>"), library.piece_to_id("<0xC3>")

    assert ours.pieces([1, *library.encode("goose"), newline, half, 420]) == (
        "<s>",
        " goose",
        "\n",
        "<0xC3>",
        "<420?>",
    )
    assert ours.decode([0, -1, 420]) == "<unk><-1?><420?>"


def test_a_folder_with_a_sentencepiece_model(tmp_path: Path) -> None:
    """The files beside it add tokens, name roles and say whether bos is added."""
    (tmp_path / "tokenizer.model").write_bytes(toys.sentencepiece_model())
    toys.beside(
        tmp_path,
        tokenizer_config={
            "tokenizer_class": "LlamaTokenizer",
            "eos_token": "<|eot_id|>",
            "pad_token": "[PAD]",
        },
        added_tokens={"<|eot_id|>": 420, "<extra>": 421},
        generation_config={"eos_token_id": [2, 420]},
    )
    ours = load_tokenizer(tmp_path)

    assert (ours.size, ours.base_size) == (423, 420)
    assert (ours.bos, ours.pad, ours.unk) == (1, 422, 0)
    assert ours.ends == (420, 2, 3, 4)
    assert ours.specials == {
        0: "<unk>",
        1: "<s>",
        2: "</s>",
        3: "<|call|>",
        420: "<|eot_id|>",
        422: "[PAD]",
    }
    assert ours.adds_bos
    assert ours.encode("<|eot_id|><extra>[PAD]", specials=True) == [420, 421, 422]
    assert 421 in ours.encode("<|eot_id|><extra>[PAD]", specials=False)
    assert not {420, 422} & set(ours.encode("<|eot_id|><extra>[PAD]", specials=False))
    assert ours.decode([420, 421, 422, 423]) == "<|eot_id|><extra>[PAD]<423?>"


def test_a_role_of_a_piece_of_the_model(tmp_path: Path) -> None:
    """A named token that the model has already gets no second id."""
    (tmp_path / "tokenizer.model").write_bytes(toys.sentencepiece_model())
    toys.beside(tmp_path, tokenizer_config={"eos_token": "<|im_end|>"})
    ours = load_tokenizer(tmp_path)

    assert ours.size == 420
    assert ours.ends == (4, 2, 3)
    assert ours.specials[4] == "<|im_end|>"


@pytest.mark.parametrize(("said", "adds"), [(None, True), (True, True), (False, False)])
def test_bos_of_a_sentencepiece_folder(tmp_path: Path, said: bool | None, adds: bool) -> None:
    """Llama's class adds it unless the config says otherwise."""
    (tmp_path / "tokenizer.model").write_bytes(toys.sentencepiece_model())
    config = {"tokenizer_class": "LlamaTokenizerFast", "add_bos_token": said}
    toys.beside(tmp_path, tokenizer_config=config)

    assert load_tokenizer(tmp_path).adds_bos is adds


def test_a_pad_of_the_model_itself(tmp_path: Path) -> None:
    """A model can have a pad piece, and no bos."""
    path = tmp_path / "own.model"
    path.write_bytes(toys.sentencepiece_model(unk_id=2, bos_id=-1, eos_id=1, pad_id=0))
    ours = load_tokenizer(path)

    assert (ours.bos, ours.pad, ours.unk, ours.ends[0]) == (None, 0, 2, 1)


def test_a_published_sentencepiece_model() -> None:
    """The vocabulary of Mistral 7B, against Mistral's own reader."""
    path = SHIPPED / "mistral_instruct_tokenizer_240323.model.v3"
    ours, theirs = load_tokenizer(path), SentencePieceTokenizer(path)

    assert ours.size == theirs.n_words == 32_768
    assert (ours.bos, ours.ends) == (theirs.bos_id, (theirs.eos_id,))
    assert ours.specials[3] == "[INST]"
    assert ours.encode("[INST]", specials=True) == [theirs.get_special_token("[INST]")]
    for text in SAMPLES:
        assert ours.encode(text, specials=False) == theirs.encode(text, bos=False, eos=False)


# tekken, against the mistral-common library


@pytest.fixture
def tekken(toy_folder: Path) -> tuple[loading.Tokenizer, Tekkenizer]:
    """Ours, and the library's own object for the same file."""
    path = toy_folder / "tekken.json"
    return loaded(path), Tekkenizer.from_file(path)


def test_facts_of_a_tekken_file(tekken: tuple[loading.Tokenizer, Tekkenizer]) -> None:
    """Special tokens are the lowest ids, those without a name too."""
    ours, library = tekken

    assert ours.size == ours.base_size == library.n_words == 266
    assert (ours.bos, ours.pad, ours.unk, ours.ends) == (1, None, 0, (2,))
    assert ours.adds_bos
    assert ours.specials == {
        0: "<unk>",
        1: "<s>",
        2: "</s>",
        3: "[INST]",
        4: "<SPECIAL_4>",
        5: "<SPECIAL_5>",
    }
    assert ours.identity == "tekken.json, 266 ids"


@pytest.mark.parametrize("text", SAMPLES)
def test_tekken_texts(tekken: tuple[loading.Tokenizer, Tekkenizer], text: str) -> None:
    """Plainly as the library; with specials the spellings become ids; both ways back."""
    ours, library = tekken
    plain = ours.encode(text, specials=False)
    special = ours.encode(text, specials=True)

    assert plain == library.encode(text, bos=False, eos=False)
    assert ours.decode(plain) == ours.decode(special) == text
    assert ours.decode(special) == library.decode(special, SpecialTokenPolicy.KEEP)
    assert (plain == special) == (not any(one in text for one in ours.specials.values()))


def test_pieces_of_tekken(tekken: tuple[loading.Tokenizer, Tekkenizer]) -> None:
    """Bytes that are half a character are shown as bytes."""
    ours, _ = tekken
    ids = ours.encode(" gooseä", specials=False)

    assert ours.pieces([1, *ids, 266, -1]) == (
        "<s>",
        " goos",
        "e",
        "<0xC3>",
        "<0xA4>",
        "<266?>",
        "<-1?>",
    )
    assert ours.decode([*ids[:-1], 266]) == " goose\ufffd<266?>"


def test_a_published_tekken_file() -> None:
    """The vocabulary of Mistral Nemo."""
    ours = load_tokenizer(SHIPPED / "tekken_240718.json")

    assert ours.size == 131_072
    assert (ours.bos, ours.pad, ours.unk, ours.ends) == (1, 11, 0, (2,))
    assert len(ours.specials) == 1000
    assert ours.encode("<s>[INST]", specials=True) == [1, 3]


def test_the_longest_spelling_is_cut() -> None:
    """Where one spelling begins another; a spelling of two ids stands for the lower one."""
    cutter = Cutter({7: "<a>", 8: "<a><b>", 9: "<a>"})

    assert cutter.encode("x<a><b><a>y", lambda text: [ord(text)]) == [ord("x"), 8, 7, ord("y")]
    assert Cutter({}).encode("<a>", lambda text: [len(text)]) == [3]


# properties

CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\u2581\x00")
PLAIN = st.text(CHARACTERS)
WITH_SPELLINGS = st.lists(
    st.one_of(PLAIN, st.sampled_from(["<s>", "</s>", "<|eot_id|>", "[INST]", "<|call|>", "<tool>"]))
).map("".join)
ROUND = ("byte_level", "llama_like", "toy.model", "tekken.json")


@pytest.mark.parametrize("name", ROUND)
@given(text=WITH_SPELLINGS)
def test_texts_come_back(toy_folder: Path, name: str, text: str) -> None:
    """Plainly encoded, any text comes back as it was, with no special token in it."""
    ours = loaded(toy_folder / name)
    ids = ours.encode(text, specials=False)

    assert ours.decode(ids) == text
    assert not set(ids) & set(ours.specials)
    assert all(0 <= one < ours.size for one in ids)


@pytest.mark.parametrize("name", ["byte_level", "toy.model", "tekken.json"])
@given(text=WITH_SPELLINGS)
def test_texts_with_specials_come_back(toy_folder: Path, name: str, text: str) -> None:
    """With specials too, where no dummy space is put after them."""
    ours = loaded(toy_folder / name)
    ids = ours.encode(text, specials=True)

    assert ours.decode(ids) == text
    assert sum(one in ours.specials for one in ids) == sum(
        text.count(spelling) for spelling in ours.specials.values()
    )


@pytest.mark.parametrize("name", [*FAST, "toy.model", "tekken.json"])
@given(ids=st.lists(st.integers(-3, 450) | st.integers()))
def test_any_ids_have_a_text(toy_folder: Path, name: str, ids: list[int]) -> None:
    """Nothing raises; each id has a piece, and the pieces do not depend on each other."""
    ours = loaded(toy_folder / name)

    assert ours.decode(ids).count("?>") >= sum(not 0 <= one < ours.size for one in ids)
    assert ours.pieces(ids) == tuple(ours.pieces([one])[0] for one in ids)
    assert all(ours.pieces(ids))


@pytest.mark.parametrize("name", [*FAST, "toy.model", "tekken.json"])
def test_every_id_has_its_own_piece(toy_folder: Path, name: str) -> None:
    """No piece of a vocabulary holds the sign for what cannot be read."""
    ours = loaded(toy_folder / name)

    assert not [piece for piece in ours.pieces(range(ours.size)) if "\ufffd" in piece]


@pytest.mark.parametrize("name", [*FAST, "toy.model", "tekken.json"])
@given(text=st.text(st.characters()))
def test_any_text_is_encoded(toy_folder: Path, name: str, text: str) -> None:
    """Lone surrogates too, as U+FFFD."""
    ours = loaded(toy_folder / name)

    assert ours.encode(text, specials=True) == ours.encode(well_formed(text), specials=True)


@given(st.binary())
def test_readable_bytes(raw: bytes) -> None:
    """Text stays text, and no byte is lost."""
    shown = readable(raw)

    assert "\ufffd" not in shown or "\ufffd".encode() in raw
    if b"<0x" not in raw:
        parts = shown.split("<0x")
        rest = [bytes([int(part[:2], 16)]) + part[3:].encode() for part in parts[1:]]
        assert parts[0].encode() + b"".join(rest) == raw


# what is no tokenizer


def test_nothing_there(tmp_path: Path) -> None:
    """A path that does not exist, a link to nothing, a loop of links, a name that is too long."""
    (tmp_path / "link").symlink_to("gone.json")
    (tmp_path / "loop").symlink_to("loop")

    assert refused(tmp_path / "no.json").endswith("does not exist")
    assert "is a link to gone.json, which is not there" in refused(tmp_path / "link")
    assert str(tmp_path / "loop") in refused(tmp_path / "loop")
    assert refused(tmp_path / ("x" * 5000))


def test_links_are_followed(tmp_path: Path) -> None:
    """As caches of models are made: links to blobs."""
    toys.save(toys.byte_level(), tmp_path / "blobs")
    (tmp_path / "snapshot").mkdir()
    (tmp_path / "snapshot" / "tokenizer.json").symlink_to("../blobs/tokenizer.json")

    assert load_tokenizer(tmp_path / "snapshot").size == 324


def test_folders_without_a_tokenizer(tmp_path: Path) -> None:
    """Nothing; only what a slow tokenizer needs; too much."""
    assert "holds no tokenizer.json, tekken.json or tokenizer.model" in refused(tmp_path)

    (tmp_path / "vocab.json").touch()
    (tmp_path / "merges.txt").touch()
    assert "holds a vocabulary but no tokenizer.json" in refused(tmp_path)

    (tmp_path / "a.model").touch()
    (tmp_path / "b.model").touch()
    assert "holds several tokenizers (a.model, b.model): name one" in refused(tmp_path)


def test_the_usual_name_wins(tmp_path: Path) -> None:
    """A folder with several kinds is read as trainers read it."""
    toys.save(toys.byte_level(), tmp_path)
    (tmp_path / "tekken.json").write_text(json.dumps(toys.tekken()))
    (tmp_path / "tokenizer.model").write_bytes(toys.sentencepiece_model())
    assert load_tokenizer(tmp_path).size == 324

    (tmp_path / "tokenizer.json").unlink()
    assert load_tokenizer(tmp_path).size == 266

    (tmp_path / "tekken.json").unlink()
    assert load_tokenizer(tmp_path).size == 420

    (tmp_path / "tokenizer.model").rename(tmp_path / "tokenizer.model.v3")
    assert load_tokenizer(tmp_path).size == 420


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b" \n\t", "holds only blanks"),
        (bytes(1000), "holds only blanks"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n",
            "git-LFS pointer",
        ),
        (b"../../.git/annex/objects/ab/cd/MD5-s1--0/MD5", "git-annex pointer"),
        (b"IQ== 0\nIg== 1\n", "tiktoken vocabulary"),
        (b"<!DOCTYPE html>", "neither"),
        (pickle.dumps({"a": 1}), "neither"),
        (b"PK\x03\x04", "neither"),
        (b"[1, 2]", "neither"),
        (b"{", "no tokenizer.json that the tokenizers library reads"),
        (b"{}", "no tokenizer.json that the tokenizers library reads"),
        (b'{"a":' * 100_000, "no tokenizer.json that the tokenizers library reads"),
        (b'{"model": "\xff"}', "no tokenizer.json that the tokenizers library reads"),
        (b'{"vocab": [{"token_bytes": "AA=="}]}', "no tekken file that the mistral-common"),
        (b"\n\x0e\n\x05<unk>\x15\x00\x00", "no model that the sentencepiece library reads"),
        (b"\n\n{not a model", "no tokenizer.json that the tokenizers library reads"),
        (b"\n\x05<unk>", "no model that the sentencepiece library reads"),
    ],
)
def test_files_that_are_no_tokenizer(tmp_path: Path, content: bytes, said: str) -> None:
    """Each in one line that names the file and what is wrong, alone and in a folder."""
    path = tmp_path / "tokenizer.json"
    path.write_bytes(content)

    for named in (path, tmp_path):
        reason = refused(named)
        assert reason.startswith(str(path))
        assert said in reason


@pytest.mark.parametrize("name", ["byte_level/tokenizer.json", "toy.model", "tekken.json"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.99])
def test_files_that_are_cut(toy_folder: Path, tmp_path: Path, name: str, part: float) -> None:
    """The first part of a download."""
    whole = (toy_folder / name).read_bytes()
    path = tmp_path / "cut"
    path.write_bytes(whole[: int(len(whole) * part)])

    assert refused(path).startswith(str(path))


@pytest.mark.parametrize("name", ["llama_like/tokenizer.json", "toy.model", "tekken.json"])
@given(data=st.data())
def test_damaged_bytes(
    toy_folder: Path, tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject
) -> None:
    """Whatever bytes are overwritten: a tokenizer, or one line."""
    raw = bytearray((toy_folder / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("damaged") / "file"
    path.write_bytes(raw)

    with suppress(TokenizerError):
        ours = load_tokenizer(path)
        assert len(ours.pieces(range(50))) == 50


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    """By its size alone, before any byte of it."""
    path = tmp_path / "tokenizer.json"
    with path.open("wb") as file:
        file.truncate(LARGEST + 1)

    assert "no tokenizer file is as large" in refused(path)


def test_no_regular_file(tmp_path: Path) -> None:
    """A pipe would be waited at for ever."""
    os.mkfifo(tmp_path / "tokenizer.json")

    assert "is no regular file" in refused(tmp_path / "tokenizer.json")
    assert "is no regular file" in refused(tmp_path)


def test_an_id_that_no_embedding_has(tmp_path: Path) -> None:
    """A vocabulary may hold any number."""
    model = {"type": "WordLevel", "vocab": {"a": 0, "b": 2**31}, "unk_token": "a"}
    toys.beside(tmp_path, tokenizer={"version": "1.0", "added_tokens": [], "model": model})

    assert "higher than any embedding has rows" in refused(tmp_path)


def test_a_panic_of_the_library_is_one_line(tmp_path: Path) -> None:
    """Code in Rust can panic, which is no Exception; what is meant to end a run still does."""
    content = json.loads(toys.word_level().to_str())
    content["normalizer"] = {"type": "Precompiled", "precompiled_charsmap": "AAAA"}
    toys.beside(tmp_path, tokenizer=content)

    assert "PanicException" in refused(tmp_path)
    with pytest.raises(KeyboardInterrupt), library_errors("x"):
        raise KeyboardInterrupt


def test_a_model_that_cannot_encode_everything(tmp_path: Path) -> None:
    """Without an unknown token the library gives up on a text, not on the tokenizer."""
    tokenizer = Tokenizer(models.Unigram([("b", -1.0)], None))
    ours = load_tokenizer(toys.save(tokenizer, tmp_path))

    assert ours.encode("b", specials=True) == [0]
    assert ours.pieces([0, 1]) == ("b", "<1?>")
    with pytest.raises(TokenizerError, match="the tokenizers library cannot encode: "):
        ours.encode("a", specials=True)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("tokenizer_config.json", "", "is empty"),
        ("tokenizer_config.json", "{", "is no JSON"),
        ("tokenizer_config.json", "[]", "holds no JSON object"),
        ("tokenizer_config.json", "[" * 100_000, "is no JSON"),
        ("tokenizer_config.json", '{"eos_token": 5}', "eos_token is neither text nor a token"),
        ("tokenizer_config.json", '{"eos_token": {}}', "eos_token has no content"),
        ("tokenizer_config.json", '{"added_tokens_decoder": []}', "added_tokens_decoder"),
        ("tokenizer_config.json", '{"added_tokens_decoder": {"x": {"content": "a"}}}', "no token"),
        ("tokenizer_config.json", '{"added_tokens_decoder": {"5": "a"}}', "5 is no object"),
        ("tokenizer_config.json", '{"additional_special_tokens": "a"}', "is no list of tokens"),
        ("special_tokens_map.json", "version https://git-lfs.github.com/spec/v1", "git-LFS"),
        ("added_tokens.json", '{"a": -1}', "-1 is no token id"),
        ("added_tokens.json", '{"a": 1.5}', "1.5 is no token id"),
        ("added_tokens.json", '{"a": 99999999999999999999}', "is no token id"),
        ("generation_config.json", '{"eos_token_id": "2"}', "'2' is no token id"),
        ("generation_config.json", '{"eos_token_id": [true]}', "True is no token id"),
        ("config.json", "null", "holds no JSON object"),
    ],
)
def test_damaged_companions(tmp_path: Path, name: str, content: str, said: str) -> None:
    """The line names the file that is wrong."""
    toys.save(toys.byte_level(), tmp_path)
    (tmp_path / name).write_text(content)

    reason = refused(tmp_path)

    assert name in reason
    assert said in reason


def test_a_companion_that_leads_nowhere(tmp_path: Path) -> None:
    """A link to nothing is no absence."""
    toys.save(toys.byte_level(), tmp_path)
    (tmp_path / "config.json").symlink_to("gone")

    assert "config.json is a link to gone, which is not there" in refused(tmp_path)


# libraries


@pytest.mark.parametrize(
    ("module", "package", "name"),
    [
        ("tokenizers", "tokenizers", "byte_level"),
        ("sentencepiece", "sentencepiece", "toy.model"),
        ("mistral_common", "mistral-common", "tekken.json"),
    ],
)
def test_a_missing_library(
    monkeypatch: pytest.MonkeyPatch, toy_folder: Path, module: str, package: str, name: str
) -> None:
    """One line with the command."""
    for known in [one for one in sys.modules if one.split(".")[0] == module]:
        monkeypatch.delitem(sys.modules, known)
    monkeypatch.setitem(sys.modules, module, None)

    reason = refused(toy_folder / name)

    assert f"needs the package {package}: " in reason
    assert reason.endswith("pip install 'pytest-pretok[tokenizers]'")


def test_loading_is_lazy() -> None:
    """Importing the loader imports no tokenizer library; reading one imports only its own."""
    code = (
        "import sys, pytest_pretok.tokenizers as t\n"
        "heavy = {'tokenizers', 'sentencepiece', 'mistral_common', 'transformers'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )

    assert done.stdout.strip() == "[]"


def test_transformers_is_not_needed(toy_folder: Path) -> None:
    """A whole load does not import it."""
    code = (
        "import sys, pathlib\n"
        "from pytest_pretok.tokenizers import load_tokenizer\n"
        "print(load_tokenizer(pathlib.Path(sys.argv[1])).size, 'transformers' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, str(toy_folder / "byte_level")],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert done.stdout.split() == ["324", "False"]


def test_warnings_of_a_library_are_no_errors() -> None:
    """These tests make warnings errors; what a library warns of does not stop a load."""
    with library_errors("x"):
        warnings.warn("old", DeprecationWarning, stacklevel=1)


def test_one_line() -> None:
    """Reasons stay on one line, printable and short."""
    assert one_line("a\n b\t\x1b[0m", 80) == "a b \\x1b[0m"
    assert len(one_line("x" * 500, 300)) == 300


def test_a_decoder_without_any_anchor(tmp_path: Path) -> None:
    """Where no id shows the same text in every place, ids are decoded by themselves."""
    tokenizer = Tokenizer(models.WordLevel({"▁": 0}, unk_token="▁"))
    tokenizer.decoder = decoders.Metaspace()
    ours = load_tokenizer(toys.save(tokenizer, tmp_path))

    assert ours.decode([0, 7, 0]) == "<7?>"


def test_an_anchor_behind_a_gap(tmp_path: Path) -> None:
    """The id that shows the same text in every place is looked for beyond ids that nothing has."""
    tokenizer = Tokenizer(models.WordLevel({"▁": 0, "x": 2}, unk_token="▁"))
    tokenizer.decoder = decoders.Metaspace()
    ours = load_tokenizer(toys.save(tokenizer, tmp_path))

    assert ours.decode([2, 1, 0, 2]) == "x<1?> x"


def test_a_decoder_that_joins_an_id_with_the_anchor(tmp_path: Path) -> None:
    """What it makes of the two is not shown for one of them."""
    tokenizer = Tokenizer(models.WordLevel({"a": 0, "b": 1}, unk_token="a"))
    tokenizer.decoder = decoders.Sequence([decoders.Fuse(), decoders.Replace("ab", "X")])
    ours = load_tokenizer(toys.save(tokenizer, tmp_path))

    assert ours.decode([0, 1]) == "X"
    assert ours.decode([0, 7, 1]) == "a<7?>b"
    assert ours.pieces([0, 1]) == ("a", "b")


def test_a_spelling_outside_the_alphabet_of_bytes(tmp_path: Path) -> None:
    """Half a character that is not spelled by bytes alone is shown as it is spelled."""
    tokenizer = Tokenizer(models.WordLevel({"▁Ã": 0, "Ã": 1, "a": 2}, unk_token="a"))
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", "Ġ"), decoders.ByteLevel()])
    ours = load_tokenizer(toys.save(tokenizer, tmp_path))

    assert ours.pieces([0, 1, 2]) == ("▁Ã", "<0xC3>", "a")
