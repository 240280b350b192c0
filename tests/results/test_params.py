"""A wrong params.yaml stops everything with one line that names key, value and what is allowed."""

from collections.abc import Callable

import pytest

from stages.core.errors import UserError
from stages.results.params import load_params
from tests.conftest import ROOT, write_params


def test_the_real_params_are_valid(monkeypatch):
    monkeypatch.chdir(ROOT)
    params = load_params()
    assert params.rows("mlp")[0] == "image_classification_mlp_256_128"


def test_the_small_params_are_valid(workspace):
    assert list(load_params().runs) == ["regression_slow", "regression_fast"]


def slow(params: dict) -> dict:
    return params["runs"]["regression_slow"]


def texts(params: dict) -> dict:
    """Add a corpus with a vocabulary and both kinds of data made of it."""
    params["fetch"] = ["brown", "wordsim353", "simlex999", "google_analogies"]
    params["tokenize"]["x"] = {"raw": "brown", "reader": "brown"}
    params["corpora"]["x"] = ["x"]
    params["vocab"]["x"] = {"corpus": "x"}
    params["subsample"]["x"] = {"family": "word_vectors", "vocab": "x", "threshold": 1e-4}
    params["cooccur"]["y"] = {"family": "word_vectors", "vocab": "x", "window": 5}
    return params


def language(params: dict) -> dict:
    """Add a divided text, two n-gram models of it and their mixture."""
    texts(params)
    divided = {
        "family": "language_modeling",
        "vocab": "x",
        "unit": "word",
        "mark": "</s>",
        "train": 8,
        "validation": 0.1,
    }
    params["divide"] = {"stream": divided}
    params["mix"] = {"both": {"family": "language_modeling", "data": "stream", "first": "one", "second": "two"}}
    row = {"family": "language_modeling", "model": "ngram", "data": "stream", "tables": ["line"], "label": "x"}
    for order, name in enumerate(("one", "two"), 1):
        params["runs"][name] = {**row, "args": {"order": order}}
    params["runs"]["mixed"] = {**row, "model": "mixture", "data": "both", "args": {}}
    return params


def reviews(params: dict) -> dict:
    """Add rated texts, the same with word vectors, and a row."""
    vectors(params)
    entry = {"family": "text_classification", "raw": "brown", "reader": "imdb", "vocab": "x", "mark": "</s>", "seed": 0}
    params["fold"] = {"reviews": entry}
    params["embed"] = {"embedded": {"family": "text_classification", "data": "reviews", "run": "vectors"}}
    row = {"family": "text_classification", "model": "majority", "data": "embedded", "tables": ["line"], "label": "x"}
    params["runs"]["opinion"] = {**row, "args": {}}
    return params


def generators(params: dict) -> dict:
    """Add a generator of images, and a classifier that judges them."""
    recipe = {"kind": "idx_images", "num_validation": 0, "seed": 0, "classes": ["shirt", "bag"]}
    params["fetch"] = ["fashion_mnist"]
    params["prepare"] = {"images": {"family": "image_classification", "raw": "fashion_mnist", "recipe": recipe}}
    row = {"data": "images", "tables": ["line"], "label": "x"}
    network = {"num_epochs": 1, "batch_size": 8, "learning_rate": 0.1}
    seer = {"family": "image_classification", "model": "lenet", "args": network | {"channels": [4], "num_features": 8}}
    softmax = {"family": "image_classification", "model": "softmax_regression"}
    params["runs"] |= {
        "seer": row | seer,
        "blind": row | softmax | {"args": network | {"num_inputs": 784, "num_outputs": 10}},
        "noise": row | {"family": "image_generation", "model": "uniform_noise", "args": {}},
        "vae": row
        | {"family": "image_generation", "model": "vae", "args": network | {"layer_sizes": [8], "num_latents": 2}},
    }
    params["judge"] = {"noise": {"data": "images", "extractor": "seer"}}
    return params


def vectors(params: dict) -> dict:
    """Add a row of word vectors and return it."""
    args = {"dimensions": 5, "num_epochs": 1, "learning_rate": 0.1}
    run = {"family": "word_vectors", "model": "skip_gram", "data": "x", "tables": ["line"], "label": "x", "args": args}
    texts(params)["runs"]["vectors"] = run
    return run


BREAKS: dict[str, tuple[Callable[[dict], object], list[str]]] = {
    "unknown key at the top": (lambda p: p.update(sede=1), ["'sede'", "allowed", "seeds"]),
    "unknown key in a run": (lambda p: slow(p).update(lable="x"), ["regression_slow", "'lable'", "label"]),
    "unknown argument": (
        lambda p: slow(p)["args"].update(lerning_rate=0.1),
        ["runs.regression_slow.args", "'lerning_rate'", "learning_rate"],
    ),
    "argument of another model": (lambda p: slow(p)["args"].update(degree=2), ["'degree'", "num_inputs"]),
    "wrong type": (
        lambda p: slow(p)["args"].update(learning_rate="fast"),
        ["regression_slow.args.learning_rate = 'fast'", "number"],
    ),
    "a number in quotes": (lambda p: slow(p)["args"].update(num_epochs="3"), ["num_epochs = '3'", "integer"]),
    "negative rate": (
        lambda p: slow(p)["args"].update(learning_rate=-0.1),
        ["regression_slow.args.learning_rate = -0.1", "greater than 0"],
    ),
    "infinite rate": (lambda p: slow(p)["args"].update(learning_rate=float("inf")), ["learning_rate", "finite"]),
    "dropout of one in a family without it": (lambda p: slow(p)["args"].update(dropout=1), ["'dropout'"]),
    "unknown model": (lambda p: slow(p).update(model="lstm"), ["model = 'lstm'", "linear_regression"]),
    "a step is no model": (lambda p: slow(p).update(model="train"), ["model = 'train'", "linear_regression"]),
    "unknown family": (lambda p: slow(p).update(family="magic"), ["family = 'magic'", "image_classification"]),
    "unknown data": (lambda p: slow(p).update(data="circle"), ["runs.regression_slow.data = 'circle'", "line"]),
    "unknown table": (lambda p: slow(p).update(tables=["list"]), ["tables = 'list'", "line"]),
    "data set that is not fetched": (
        lambda p: p["prepare"].update(x={"family": "regression", "raw": "brown", "recipe": {}}),
        ["prepare.x.raw = 'brown'"],
    ),
    "data set that is not in the catalogue": (lambda p: p.update(fetch=["mnist"]), ["'mnist'", "fashion_mnist"]),
    "unknown recipe": (
        lambda p: p["generate"]["line"]["recipe"].update(kind="circle"),
        ["generate.line.recipe", "'circle'", "'linear'"],
    ),
    "claim about a missing row": (
        lambda p: p["claims"]["faster_is_closer"].update(
            inequality="regression_gone.test_loss < regression_fast.test_loss"
        ),
        ["claims.faster_is_closer", "regression_gone", "regression_fast"],
    ),
    "claim about a metric that no table of the row shows": (
        lambda p: p["claims"]["faster_is_closer"].update(
            inequality="regression_fast.test_los < regression_slow.test_loss"
        ),
        ["claims.faster_is_closer", "'test_los'", "test_loss, weight_1"],
    ),
    "claim that is no inequality": (
        lambda p: p["claims"]["faster_is_closer"].update(inequality="fast is better"),
        ["claims.faster_is_closer.inequality = 'fast is better'", "run.metric OP run.metric"],
    ),
    "table without a row": (
        lambda p: p["tables"].update(empty=p["tables"]["line"]),
        ["tables.empty", "no row"],
    ),
    "column of an argument that no row has": (
        lambda p: p["tables"]["line"].update(arguments=["dropout"]),
        ["tables.line.arguments = 'dropout'", "learning_rate"],
    ),
    "document's number that no table shows": (
        lambda p: slow(p).update(document={"accuracy": 0.9}),
        ["runs.regression_slow.document = 'accuracy'", "test_loss, weight_1"],
    ),
    "the same seed twice": (lambda p: p.update(seeds=[1, 1]), ["seeds = [1, 1]", "differ"]),
    "no seed": (lambda p: p.update(seeds=[]), ["seeds = []", "at least 1"]),
    "a run's own seeds": (lambda p: slow(p)["args"].update(seeds=[-1]), ["regression_slow.args.seeds", "-1"]),
    "unknown device": (lambda p: p.update(device="tpu"), ["device = 'tpu'", "'cpu' or 'cuda'"]),
    "key with a dot": (lambda p: p["runs"].update({"a.b": slow(p)}), ["a.b"]),
    "defaults of an unknown family": (lambda p: p["defaults"].update(magic={}), ["defaults", "'magic'"]),
    "best state without a validation split": (
        lambda p: slow(p)["args"].update(keep="best"),
        ["regression_slow.args.keep = 'best'", "validation"],
    ),
    "warm-up longer than training": (lambda p: slow(p)["args"].update(warmup_epochs=3), ["warmup_epochs = 3"]),
    "missing key": (lambda p: slow(p).pop("label"), ["regression_slow.label", "required"]),
    "a text of a data set that is not fetched": (
        lambda p: p["tokenize"].update(x={"raw": "brown", "reader": "brown"}),
        ["tokenize.x.raw = 'brown'"],
    ),
    "an unknown reader": (
        lambda p: p["tokenize"].update(x={"raw": "brown", "reader": "pdf"}),
        ["tokenize.x.reader = 'pdf'", "wordnet"],
    ),
    "a corpus of nothing": (lambda p: p["corpora"].update(x=[]), ["corpora.x = []", "at least 1"]),
    "a corpus of a text that is not tokenized": (lambda p: p["corpora"].update(x=["y"]), ["corpora.x = 'y'"]),
    "the same text twice": (lambda p: texts(p)["corpora"].update(x=["x", "x"]), ["corpora.x", "differ"]),
    "word vectors without a benchmark": (
        lambda p: texts(p)["fetch"].remove("simlex999"),
        ["fetch lacks 'simlex999'"],
    ),
    "a vocabulary of an unknown corpus": (
        lambda p: p["vocab"].update(x={"corpus": "y"}),
        ["vocab.x.corpus = 'y'"],
    ),
    "a special word twice": (
        lambda p: texts(p)["vocab"].update(x={"corpus": "x", "specials": ["<unk>", "<unk>"]}),
        ["vocab.x.specials", "differ"],
    ),
    "a threshold above 1": (
        lambda p: texts(p)["subsample"]["x"].update(threshold=2.0),
        ["subsample.x.threshold = 2.0", "less than or equal to 1"],
    ),
    "a window of 0": (lambda p: texts(p)["cooccur"]["y"].update(window=0), ["cooccur.y.window = 0"]),
    "the name of other data": (
        lambda p: texts(p)["subsample"].update(line=p["subsample"]["x"]),
        ["subsample.line", "must be used once"],
    ),
    "data of another family": (
        lambda p: texts(p) and slow(p).update(data="x"),
        ["regression_slow.data = 'x'", "line"],
    ),
    "data of word vectors under prepare": (
        lambda p: texts(p)["prepare"].update(z={"family": "word_vectors", "raw": "brown", "recipe": {}}),
        ["prepare.z.family = 'word_vectors'", "subsample"],
    ),
    "a model that counts, on a text": (
        lambda p: vectors(p).update(model="glove", data="x"),
        ["runs.vectors.data = 'x'", "one of y"],
    ),
    "a model with windows, on counts": (
        lambda p: vectors(p).update(data="y"),
        ["runs.vectors.data = 'y'", "one of x"],
    ),
    "a part of a text that is neither a number nor a share": (
        lambda p: language(p)["divide"]["stream"].update(train=1.5),
        ["divide.stream.train", "1.5"],
    ),
    "a text divided by an unknown vocabulary": (
        lambda p: language(p)["divide"]["stream"].update(vocab="y"),
        ["divide.stream.vocab = 'y'", "one of x"],
    ),
    "a mixture of an unknown run": (
        lambda p: language(p)["mix"]["both"].update(second="three"),
        ["mix.both.second = 'three'", "one of one, two"],
    ),
    "a mixture of runs of no divided text": (
        lambda p: language(p)["mix"]["both"].update(data="line"),
        ["mix.both.data = 'line'", "one of stream"],
    ),
    "a network that reads a mixture": (
        lambda p: language(p)["runs"].update(three=p["runs"]["two"] | {"data": "both"}),
        ["runs.three.data = 'both'", "one of stream"],
    ),
    "tied one-hot vectors": (
        lambda p: language(p)["runs"]["one"].update(
            model="rnn",
            args={
                "embedding_size": None,
                "num_hiddens": 4,
                "tied": True,
                "num_epochs": 1,
                "batch_size": 1,
                "num_steps": 5,
                "learning_rate": 0.1,
            },
        ),
        ["runs.one.args", "tied needs an embedding_size"],
    ),
    "rated texts of no fetched data set": (
        lambda p: reviews(p)["fold"]["reviews"].update(raw="imdb"),
        ["fold.reviews.raw = 'imdb'", "brown"],
    ),
    "rated texts in one fold": (
        lambda p: reviews(p)["fold"]["reviews"].update(num_folds=1),
        ["fold.reviews.num_folds", "greater than or equal to 2"],
    ),
    "rated texts by an unknown reader": (
        lambda p: reviews(p)["fold"]["reviews"].update(reader="tweets"),
        ["fold.reviews.reader = 'tweets'", "movie_reviews"],
    ),
    "vectors of a run of another family": (
        lambda p: reviews(p)["embed"]["embedded"].update(run="opinion"),
        ["embed.embedded.run = 'opinion'", "one of vectors"],
    ),
    "vectors for data of another kind": (
        lambda p: reviews(p)["embed"]["embedded"].update(data="x"),
        ["embed.embedded.data = 'x'", "one of reviews"],
    ),
    "a classifier of texts that nobody rated": (
        lambda p: reviews(p)["runs"]["opinion"].update(data="x"),
        ["runs.opinion.data = 'x'", "one of reviews, embedded"],
    ),
    "a difference from a row of another table": (
        lambda p: p["tables"]["line"].update(difference_from="nothing"),
        ["tables.line.difference_from = 'nothing'", "regression_fast"],
    ),
    "a ratio to a row of another table": (
        lambda p: p["tables"]["line"].update(relative_to="nothing"),
        ["tables.line.relative_to = 'nothing'", "regression_fast"],
    ),
    "a published number of a metric that is not shown": (
        lambda p: p["tables"]["line"].update(published=[{"label": "others", "values": {"accuracy": 1.0}}]),
        ["tables.line.published = 'accuracy'", "test_loss"],
    ),
    "a judge without features": (
        lambda p: generators(p)["judge"]["noise"].update(extractor="blind"),
        ["judge.noise.extractor = 'blind'", "one of seer"],
    ),
    "a judge of no run": (
        lambda p: generators(p)["judge"].update(gone={"data": "images", "extractor": "seer"}),
        ["judge.gone = 'gone'", "noise"],
    ),
    "a judge of a run that draws no images": (
        lambda p: generators(p)["judge"].update(seer={"data": "images", "extractor": "seer"}),
        ["judge.seer = 'seer'", "one of noise, vae"],
    ),
    "a generator in a table of judged rows that nobody judges": (
        lambda p: generators(p)["tables"]["line"].update(arguments=["extractor"]),
        ["tables.line.arguments", "must be a key of `judge`"],
    ),
    "a judge with other data": (
        lambda p: generators(p)["judge"]["noise"].update(data="line"),
        ["judge.noise.data = 'line'", "one of images"],
    ),
    "a code of no elements": (
        lambda p: generators(p)["runs"]["vae"]["args"].update(num_latents=0),
        ["runs.vae.args.num_latents = 0"],
    ),
    "a run that is no mapping": (lambda p: p["runs"].update(regression_slow=3), ["regression_slow = 3"]),
}


def test_a_row_of_word_vectors_is_valid(workspace, params):
    vectors(params)
    write_params(workspace, params)
    assert "vectors" in load_params().runs


def test_language_models_and_their_mixture_are_valid(workspace, params):
    language(params)
    write_params(workspace, params)
    assert "mixed" in load_params().runs


def test_generators_and_their_judge_are_valid(workspace, params):
    write_params(workspace, generators(params))
    assert "noise" in load_params().judge


def test_a_text_of_the_user_needs_no_catalogue(workspace, params):
    """A folder of data/raw that is there, in place of a fetched one, by one parameter."""
    params["tokenize"]["mine"] = {"raw": "lyrics", "reader": "verse", "tokens": "characters"}
    write_params(workspace, params)
    with pytest.raises(UserError, match=r"tokenize\.mine\.raw = 'lyrics'"):
        load_params()
    (workspace / "data/raw/lyrics").mkdir(parents=True)
    load_params()


@pytest.mark.parametrize("case", BREAKS)
def test_wrong_params_are_named_in_one_line(case, workspace, params):
    change, words = BREAKS[case]
    change(params)
    write_params(workspace, params)
    with pytest.raises(UserError) as caught:
        load_params()
    message = str(caught.value)
    assert "\n" not in message
    for word in ["params.yaml", *words]:
        assert word in message, message


def test_yaml_that_cannot_be_read_is_one_line(workspace):
    (workspace / "params.yaml").write_text("seeds: [1\nruns: {")
    with pytest.raises(UserError, match=r"^params.yaml: not valid YAML: [^\n]*$"):
        load_params()


def test_a_number_in_scientific_notation_is_a_number(workspace, params):
    """YAML 1.1 reads 1e-3 as text; `dvc exp run -S …=1e-3` must not fail because of it."""
    text = (workspace / "params.yaml").read_text()
    (workspace / "params.yaml").write_text(text.replace("learning_rate: 0.01", "learning_rate: 1e-3"))
    assert load_params().runs["regression_slow"].args["learning_rate"] == 0.001


def test_a_wrong_row_stops_dvc_before_any_training(workspace, params, dvc):
    """The row that comes first is right and would be trained if nothing looked ahead."""
    params["runs"]["regression_fast"]["args"]["learning_rate"] = -1.0
    write_params(workspace, params)
    done = dvc("repro")
    assert done.returncode != 0
    assert "runs.regression_fast.args.learning_rate = -1.0" in done.stderr
    assert not (workspace / "data/models").exists()
