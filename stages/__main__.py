"""The command line: `python -m stages …`. Each command imports only what it runs."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from stages.core.errors import UserError

# Commands of dvc.yaml.
STAGES = (
    *("check", "fetch", "prepare", "tokenize", "vocab", "subsample", "cooccur", "divide", "mix", "fold", "embed"),
    *("train", "evaluate", "judge", "report"),
)

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
Name = Annotated[str, typer.Argument(help="a key of params.yaml")]
VectorsRun = Annotated[str, typer.Option("--run", help="a run of the family word_vectors")]
Seed = Annotated[int | None, typer.Option(help="one of the run's seeds; the first if none")]
Count = Annotated[int, typer.Option(min=1, help="how many words")]
DEFAULT_RUN = "word_vectors_skip_gram"
LanguageRun = Annotated[str, typer.Option("--run", help="a run of the family language_modeling")]
ModelSeed = Annotated[int | None, typer.Option(help="one of the run's seeds; the first if none")]
LANGUAGE_RUN = "language_modeling_lstm_400"
ClassifierRun = Annotated[str, typer.Option("--run", help="a run of the family text_classification")]
CLASSIFIER_RUN = "text_classification_bilstm_pieces"
GeneratorRun = Annotated[str, typer.Option("--run", help="a run of the family image_generation")]
GENERATOR_RUN = "image_generation_dcgan"


@app.command()
def check(out: Annotated[Path | None, typer.Option(help="file to write when all is well")] = None) -> None:
    """Check params.yaml: keys, types, values and references."""
    from stages import check as stage

    stage.check(out)


@app.command()
def lint() -> None:
    """Check dvc.yaml and params.yaml for what DVC accepts and then handles wrongly."""
    from stages import lint as checks

    if problems := checks.lint():
        print("\n".join(problems))
        raise typer.Exit(1)
    print("dvc.yaml and params.yaml are free of DVC's traps")


@app.command()
def fetch(name: Annotated[str, typer.Argument(help="a key of data/catalog.yaml")]) -> None:
    """Obtain one data set of data/catalog.yaml and check it."""
    from stages import fetch as stage

    stage.fetch(name)


@app.command()
def prepare(name: Name) -> None:
    """Turn raw files, or a rule to draw from, into tensors divided into splits."""
    from stages import prepare as stage

    stage.prepare(name)


@app.command()
def tokenize(name: Name) -> None:
    """Divide one fetched text data set into words."""
    from stages import tokenize as stage

    stage.tokenize(name)


@app.command()
def vocab(name: Name) -> None:
    """Choose the words of a corpus that count."""
    from stages import vocab as stage

    stage.vocab(name)


@app.command()
def subsample(name: Name) -> None:
    """Number the words of a corpus, with the probability of each to be kept."""
    from stages import subsample as stage

    stage.subsample(name)


@app.command()
def cooccur(name: Name) -> None:
    """Count how often words of a corpus occur near each other."""
    from stages import cooccur as stage

    stage.cooccur(name)


@app.command()
def divide(name: Name) -> None:
    """Number the tokens of a corpus, in a training, a validation and a test part."""
    from stages import divide as stage

    stage.divide(name)


@app.command()
def mix(name: Name) -> None:
    """Put the predictions of two runs side by side, for a run that mixes them."""
    from stages import mix as stage

    stage.mix(name)


@app.command()
def fold(name: Name) -> None:
    """Number the words of rated texts, and divide the texts for cross-validation."""
    from stages import fold as stage

    stage.fold(name)


@app.command()
def embed(name: Name) -> None:
    """Put the word vectors of a run beside rated texts."""
    from stages import embed as stage

    stage.embed(name)


@app.command()
def train(name: Name) -> None:
    """Train one run, a model a seed."""
    from stages import train as stage

    stage.train(name)


@app.command()
def evaluate(name: Name) -> None:
    """Score the trained models of one run."""
    from stages import evaluate as stage

    stage.evaluate(name)


@app.command()
def judge(name: Name) -> None:
    """Score the images of one generator by what a trained classifier sees in them."""
    from stages import judge as stage

    stage.judge(name)


@app.command()
def report() -> None:
    """Write the tables, the figures and index.html under reports/."""
    from stages import report as stage

    stage.report()


@app.command()
def repro(
    targets: Annotated[list[str] | None, typer.Argument(help="stages, with all they need; all stages if none")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="stages at once")] = len(os.sched_getaffinity(0)),
    force: Annotated[bool, typer.Option(help="run every stage, whatever is there or in the cache")] = False,
    keep_going: Annotated[bool, typer.Option(help="after a failure run what does not depend on it")] = False,
    minutes: Annotated[
        float | None,
        typer.Option(min=0.0, help="begin only what can be expected to end in this time, and name the rest"),
    ] = None,
) -> None:
    """Do what `dvc repro` does, on all cores."""
    from stages import repro as stage

    try:
        done = stage.repro(targets or [], jobs, force, keep_going, minutes)
    except KeyboardInterrupt:
        same = "the same command without --force" if force else "the same command"
        print(f"stopped; {same} goes on from here", file=sys.stderr)
        raise typer.Exit(130) from None
    if not done:
        raise typer.Exit(1)


@app.command()
def readme(check: Annotated[bool, typer.Option(help="change nothing; fail if out of date")] = False) -> None:
    """Bring the generated part of README.md up to date with reports/."""
    from stages import readme as stage

    stage.update(check=check)


@app.command()
def show() -> None:
    """Print the results tables and say where the report is."""
    from stages import show as stage

    stage.show()


@app.command()
def nearest(word: str, run: VectorsRun = DEFAULT_RUN, seed: Seed = None, count: Count = 10) -> None:
    """Print the words whose trained vectors are nearest to a word's."""
    from stages import words as stage

    stage.nearest(word, run, seed, count)


@app.command()
def analogy(a: str, b: str, c: str, run: VectorsRun = DEFAULT_RUN, seed: Seed = None, count: Count = 5) -> None:
    """Answer "A is to B as C is to …" with trained word vectors."""
    from stages import words as stage

    stage.analogy(a, b, c, run, seed, count)


@app.command()
def similarity(a: str, b: str, run: VectorsRun = DEFAULT_RUN, seed: Seed = None) -> None:
    """Print the cosine of the trained vectors of two words."""
    from stages import words as stage

    stage.similarity(a, b, run, seed)


@app.command()
def generate(
    prompt: Annotated[str, typer.Option(help="how the text begins")],
    run: LanguageRun = LANGUAGE_RUN,
    temperature: Annotated[float, typer.Option(help="above 0; below 1 the likely becomes likelier")] = 1.0,
    length: Annotated[int, typer.Option(min=1, help="how many words or characters to write")] = 60,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="of the draws")] = 1,
    model_seed: ModelSeed = None,
) -> None:
    """Let a trained language model go on with a text."""
    from stages import language as stage

    stage.generate(prompt, run, temperature, length, seed, model_seed)


@app.command()
def score(file: Path, run: LanguageRun = LANGUAGE_RUN, model_seed: ModelSeed = None) -> None:
    """Print the perplexity that a trained language model gives a text file."""
    from stages import language as stage

    stage.score(file, run, model_seed)


@app.command()
def cloze(
    sentence: Annotated[str, typer.Argument(help="with one gap, written ___")],
    run: LanguageRun = LANGUAGE_RUN,
    count: Count = 10,
    model_seed: ModelSeed = None,
) -> None:
    """Print the words for a gap that make the whole sentence most probable."""
    from stages import language as stage

    stage.cloze(sentence, run, count, model_seed)


@app.command()
def classify(
    text: Annotated[str | None, typer.Argument(help="such as a sentence; each line of standard input if none")] = None,
    run: ClassifierRun = CLASSIFIER_RUN,
    model_seed: ModelSeed = None,
    count: Annotated[int | None, typer.Option(min=1, help="how many words; if none, 10 of TEXT, 5 of a line")] = None,
) -> None:
    """Tell whether a text is positive or negative, how probable that is, and which words say so."""
    from stages import classify as stage

    stage.classify(text, run, model_seed, count)


@app.command()
def sample(
    run: GeneratorRun = GENERATOR_RUN,
    count: Annotated[int, typer.Option(min=1, max=10_000, help="how many images")] = 64,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="of the noise")] = 1,
    out: Annotated[Path, typer.Option(help="a PNG file to write")] = Path("grid.png"),
    model_seed: ModelSeed = None,
) -> None:
    """Write a grid of images that a trained generator makes of noise."""
    from stages import sample as stage

    stage.sample(run, count, seed, out, model_seed)


@app.command()
def compare(
    family: Annotated[str, typer.Argument(help="a folder of stages/, such as regression")],
    rev: Annotated[str, typer.Option(help="Git revision that the experiments were made from")] = "HEAD",
    by: Annotated[str | None, typer.Option(help="metric that decides which is best")] = None,
) -> None:
    """Print one table of a family's experiments: settings that differ, metrics, the best row marked."""
    from stages import experiments as stage

    stage.compare(family, rev, by)


@app.command()
def verify(
    runs: Annotated[list[str] | None, typer.Argument(help="runs of params.yaml; all if none")] = None,
    update: Annotated[
        bool, typer.Option(help="record the present metrics as references, and show the difference")
    ] = False,
    skip_left_out: Annotated[
        bool, typer.Option(help="skip the runs that the last `repro --minutes` had no time for, and name them")
    ] = False,
) -> None:
    """Compare metrics with the references; fail if one left its band, is missing, extra, stale or not a number."""
    from stages import verify as stage

    if update and (runs or skip_left_out):
        raise UserError("verify --update renews the references of all runs: name none, skip none")
    if update:
        stage.update()
    elif not stage.verify(runs or [], skip_left_out):
        raise typer.Exit(1)


def main() -> None:
    """Run a command; a UserError, or a file that cannot be used, becomes one line and exit status 1."""
    try:
        with _as_stage(os.environ.get("DVC_STAGE")):
            app()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except OSError as error:
        if error.filename is None:
            raise
        print(f"error: {error.filename}: {error.strerror}", file=sys.stderr)
        sys.exit(1)


@contextmanager
def _as_stage(stage: str | None) -> Iterator[None]:
    """Run by DVC as a stage, end with DVC, and do not let an edit made meanwhile pass for what was run."""
    if stage is None or sys.argv[1:2] == [] or sys.argv[1] not in STAGES:
        yield
        return
    from stages.core.processes import die_with_parent
    from stages.memory import keep_freed_memory
    from stages.pipeline import unchanged_dependencies

    die_with_parent()
    keep_freed_memory()
    with unchanged_dependencies(stage):
        try:
            yield
        except SystemExit as done:  # how Typer ends
            if done.code:
                raise
    # At once, because torch takes its time to end, and DVC looks at the dependencies only then.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
