"""Trials of every searcher carry their derivation as parameters, so that importances mean something."""

from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.importance import PedAnovaImportanceEvaluator

import grammars
import search
from search import bench
from search.derivations import parameters
from search.evaluation import Outcome, Task, canonical, content_key

GRAMMAR = grammars.load("dots", grammars.Grid(5, 5))
OBJECTIVE = search.Objective("dots", GRAMMAR.space, "dots(k=between(1, 2))", "equivariant_local")


def taught(task: Task) -> Outcome:
    """Lessons that begin with `take` teach, others do not; what else is said is noise."""
    sentence = GRAMMAR.parse(task.sentence, "Lesson")
    examples = canonical(sentence.denote())
    key = content_key(task.objective, examples)
    noise = int(key[:8], 16) / 2**32
    g = 0.2 * noise + 0.7 * (sentence.rule == "take")
    return Outcome(key, len(examples), {"generalization": (g,)})


def study_of(folder: Path, searcher: search.Searcher, budget: int) -> optuna.Study:
    url = f"sqlite:///{folder / 'optuna.db'}"
    with (
        search.start(0) as pool,
        search.open_ledger(url, folder / "artifacts", "search", OBJECTIVE.content()) as book,
    ):
        baselines = search.iid(GRAMMAR, OBJECTIVE.target, 0, (2,))
        search.minimise(OBJECTIVE, GRAMMAR, searcher, budget, book, pool, baselines=baselines)
    return optuna.load_study(study_name="search", storage=url)


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.filterwarnings("ignore::UserWarning")  # of so few trials
def test_the_rule_that_matters_is_the_most_important_parameter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "evaluate", taught)
    study = study_of(tmp_path, search.load("random", batch=40, max_bits=60), 40)
    assert len(study.trials) == 41
    for trial in study.trials:
        sentence = GRAMMAR.parse(trial.user_attrs["sentence"], "Lesson")
        wanted, distributions = parameters(sentence)
        assert trial.params == wanted
        assert trial.distributions == distributions
        assert set(GRAMMAR.types) <= set(trial.params)
    importances = optuna.importance.get_param_importances(  # of what makes the target low
        study,
        evaluator=PedAnovaImportanceEvaluator(target_quantile=0.6),
        params=list(GRAMMAR.types),
        target=lambda trial: -trial.values[0],
    )
    assert set(importances) == set(GRAMMAR.types)
    assert (next(iter(importances)), list(importances)[-1]) == ("Lesson", "Map")  # no lesson has a map
    assert np.isfinite(list(importances.values())).all()


@pytest.mark.parametrize("name", ["genetic"])
def test_searchers_that_know_nothing_of_parameters_leave_them_too(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "evaluate", taught)
    study = study_of(tmp_path, search.load(name), 3)
    assert all(set(GRAMMAR.types) <= set(trial.params) for trial in study.trials)
