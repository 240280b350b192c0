"""Scores of text classifiers."""

import torch
from sklearn.metrics import f1_score
from torch import Tensor, nn

from stages.core.metrics import accuracy
from stages.core.run import Run
from stages.core.training import History
from stages.text_classification.data import RatedTexts


def score(model: nn.Module, run: Run, data: RatedTexts, history: History) -> dict[str, float]:
    """Return the metrics of one trained model on the test texts of its split.

    A text is taken for positive if its probability p is above 1/2. `test_f1` is of the positive class;
    `rating_correlation` is Pearson's, of 2 p - 1 with the mean rating (0 where all texts have the same p). Where texts
    are held out there is `validation_accuracy`.
    """
    split = data.split(int(model.split))
    found = outputs(model, run, data)
    positive, logits = found["ratings"] > 0, found["logits"].double()
    labels, predicted = positive.cpu().numpy(), (logits > 0).cpu().numpy()
    opinion = 2 * logits.sigmoid() - 1
    metrics = {
        "test_accuracy": accuracy(logits > 0, positive),
        "test_f1": float(f1_score(labels, predicted, zero_division=0.0)),
        "test_roc_auc": roc_auc(logits, positive),
        "rating_correlation": 0.0,
    }
    if (opinion != opinion[0]).any():
        metrics["rating_correlation"] = torch.corrcoef(torch.stack([opinion, found["ratings"]]))[0, 1].item()
    if len(split.validation):
        held_out = model.scores(data.texts.select(split.validation)) > 0
        metrics["validation_accuracy"] = accuracy(held_out, data.labels[split.validation])
    return metrics


def roc_auc(logits: Tensor, positive: Tensor) -> float:
    """Return the share of pairs of a positive and a negative text whose order is right; equal scores count half.

    Hanley and McNeil 1982, The Meaning and Use of the Area under a ROC Curve. Counts, divided once; scikit-learn's
    `roc_auc_score` adds up trapezoids instead, and the last digit differs.

    Args:
        logits: float (texts,).
        positive: bool (texts,).
    """
    right, wrong = logits[positive][:, None], logits[~positive]
    return ((right > wrong).double().mean() + (right == wrong).double().mean() / 2).item()


@torch.no_grad()
def outputs(model: nn.Module, run: Run, data: RatedTexts) -> dict[str, Tensor]:
    """Return what the figures need of the test texts, all (texts,).

    Their `numbers` int64, `ratings` float64, and `logits` float32.
    """
    test = data.split(int(model.split)).test
    return {"numbers": test, "ratings": data.ratings[test], "logits": model.scores(data.texts.select(test))}
