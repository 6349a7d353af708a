"""Lines of pictures under their names, and windows of points: what is asked for is there, once."""

import numpy as np
import pytest

import analysis


def test_every_picture_of_a_shelf_stands_once_under_its_name() -> None:
    rng = np.random.default_rng(0)
    lines = [("few", rng.random((3, 4, 6)) < 0.5), ("many", rng.random((19, 4, 6)) < 0.5)]
    [axes] = analysis.shelf(lines, columns=8, title="both").axes
    shown = [np.asarray(image.get_array(), bool) for image in axes.images]
    np.testing.assert_array_equal(shown, np.concatenate([pictures for _, pictures in lines]))
    assert [text.get_text() for text in axes.texts] == ["few", "many"]
    places = {tuple(np.round(image.get_extent(), 6)) for image in axes.images}
    assert len(places) == 22
    assert len({place[3] for place in places}) == 1 + 3
    tops = [text.get_position()[1] for text in axes.texts]
    first = [min(image.get_extent()[3] for image in images) for images in (axes.images[:3], axes.images[3:])]
    assert tops[0] < first[0] < tops[1] < first[1]
    assert axes.get_title(loc="left") == "both"


def test_every_window_has_its_points_and_a_name_of_three_lines_at_most() -> None:
    points = np.random.default_rng(0).uniform(-3, 3, (50, 2))
    figure = analysis.clouds([("a", points), ("long " * 100, points[:0])], 3.0)
    one, other = figure.axes
    np.testing.assert_array_equal(one.collections[0].get_offsets(), points)
    assert len(other.collections[0].get_offsets()) == 0
    assert one.get_xlim() == one.get_ylim() == (-3.0, 3.0)
    assert other.get_title(loc="left").count("\n") == 2


def test_nothing_to_draw_is_said() -> None:
    with pytest.raises(analysis.AnalysisError, match="pictures of one size, got 0 sizes"):
        analysis.shelf([])
    with pytest.raises(analysis.AnalysisError, match="pictures of one size, got 2 sizes"):
        analysis.shelf([("a", np.zeros((1, 2, 2))), ("b", np.zeros((1, 3, 2)))])
    with pytest.raises(analysis.AnalysisError, match="no points to draw"):
        analysis.clouds([], 1.0)
