from __future__ import annotations

import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmcsc.domain.enums import LabelPolicy
from mlmcsc.domain.label_policy import choose_labels
from mlmcsc.errors import ValidationError

# (image, value, technician, verified, consensus) in label order
label = st.tuples(
    st.integers(1, 6), st.floats(0, 100), st.integers(1, 4), st.booleans(), st.booleans()
)


def choose(rows, policy, order=None):
    chosen = chosen_of(rows, policy, order)
    return dict(zip(chosen.images.tolist(), chosen.values.tolist(), strict=True))


def chosen_of(rows, policy, order=None):
    order = range(len(rows)) if order is None else order
    ids = np.array([10 + 3 * i for i in order], dtype=np.int64)
    columns = list(zip(*(rows[i] for i in order), strict=True)) or [()] * 5
    image, value, technician, verified, consensus = columns
    return choose_labels(
        np.array(image, np.int64),
        np.array(value, np.float64),
        ids,
        policy=policy,
        technician_ids=np.array(technician, np.int64),
        verified=np.array(verified, np.bool_),
        consensus=np.array(consensus, np.bool_),
    )


def of_image(rows):
    images = {}
    for row in rows:
        images.setdefault(row[0], []).append(row)
    return images


def votes(rows):
    """Each technician's latest label."""
    return list({technician: value for _, value, technician, *_ in rows}.values())


EXAMPLE = [
    (1, 10.0, 1, True, False),
    (1, 40.0, 1, False, False),
    (1, 60.0, 2, False, False),
    (2, 70.0, 1, False, True),
    (2, 90.0, 2, True, False),
    (3, 20.0, 3, False, False),
]


class TestOnOneExample:
    """Image 1: technician 1 says 10 (verified), then 40; 2 says 60. Image 2 has a consensus."""

    def test_latest_takes_the_highest_label_id(self):
        assert choose(EXAMPLE, LabelPolicy.LATEST) == {1: 60, 2: 90, 3: 20}

    def test_mean_gives_each_technician_one_vote_and_a_consensus_none(self):
        assert choose(EXAMPLE, LabelPolicy.MEAN) == {1: 50, 2: 90, 3: 20}

    def test_consensus_falls_back_on_the_median_of_the_technicians(self):
        assert choose(EXAMPLE, LabelPolicy.CONSENSUS) == {1: 50, 2: 70, 3: 20}

    def test_verified_leaves_out_images_without_a_verified_label(self):
        assert choose(EXAMPLE, LabelPolicy.VERIFIED) == {1: 10, 2: 90}


class TestAgainstPlainPython:
    @settings(deadline=None)
    @given(st.lists(label, max_size=40))
    def test_latest(self, rows):
        expected = {image: found[-1][1] for image, found in of_image(rows).items()}
        assert choose(rows, LabelPolicy.LATEST) == expected

    @settings(deadline=None)
    @given(st.lists(label, max_size=40))
    def test_mean(self, rows):
        expected = {}
        for image, found in of_image(rows).items():
            measured = [row for row in found if not row[4]]
            expected[image] = statistics.fmean(votes(measured or found))
        assert choose(rows, LabelPolicy.MEAN) == pytest.approx(expected)

    @settings(deadline=None)
    @given(st.lists(label, max_size=40))
    def test_consensus(self, rows):
        expected = {}
        for image, found in of_image(rows).items():
            agreed = [value for _, value, _, _, consensus in found if consensus]
            expected[image] = agreed[-1] if agreed else statistics.median(votes(found))
        assert choose(rows, LabelPolicy.CONSENSUS) == expected

    @settings(deadline=None)
    @given(st.lists(label, max_size=40))
    def test_verified(self, rows):
        kept = of_image([row for row in rows if row[3]])
        expected = {image: found[-1][1] for image, found in kept.items()}
        assert choose(rows, LabelPolicy.VERIFIED) == expected

    @settings(deadline=None)
    @given(st.lists(label, max_size=40), st.sampled_from(LabelPolicy), st.data())
    def test_row_order_does_not_matter(self, rows, policy, data):
        order = data.draw(st.permutations(range(len(rows))))
        assert choose(rows, policy, order) == choose(rows, policy)


class TestTheResult:
    def test_images_come_ascending_and_once(self):
        chosen = choose_labels(
            np.array([9, 4, 9, 2]),
            np.array([0.1, 0.2, 0.3, 0.4]),
            np.array([1, 2, 3, 4]),
            policy=LabelPolicy.LATEST,
        )
        assert (chosen.images.dtype, chosen.values.dtype) == (np.int64, np.float64)
        assert (chosen.images.tolist(), chosen.values.tolist()) == ([2, 4, 9], [0.4, 0.2, 0.3])

    @pytest.mark.parametrize("policy", LabelPolicy)
    def test_no_labels_are_no_error(self, policy):
        assert choose([], policy) == {}


class TestWrongCallsAreRefused:
    @pytest.mark.parametrize(
        ("policy", "column"),
        [
            (LabelPolicy.MEAN, "technician_ids"),
            (LabelPolicy.CONSENSUS, "technician_ids"),
            (LabelPolicy.VERIFIED, "verified"),
        ],
    )
    def test_a_policy_without_the_column_it_needs(self, policy, column):
        one = np.array([1])
        with pytest.raises(ValidationError, match=f"needs {column}"):
            choose_labels(one, np.array([0.5]), one, policy=policy)

    def test_consensus_without_the_consensus_column(self):
        one = np.array([1])
        with pytest.raises(ValidationError, match="needs consensus"):
            choose_labels(
                one, np.array([0.5]), one, policy=LabelPolicy.CONSENSUS, technician_ids=one
            )

    def test_columns_of_unequal_length(self):
        with pytest.raises(ValidationError, match="values has 1 rows for 2 labels"):
            choose_labels(
                np.array([1, 2]), np.array([0.5]), np.array([1, 2]), policy=LabelPolicy.LATEST
            )

    def test_a_label_given_twice(self):
        with pytest.raises(ValidationError, match="Label 7 appears more than once"):
            choose_labels(
                np.array([1, 1]), np.array([0.5, 0.5]), np.array([7, 7]), policy=LabelPolicy.LATEST
            )

    def test_an_unknown_policy(self):
        one = np.array([1])
        with pytest.raises(ValidationError, match="choose one of latest, mean, consensus"):
            choose_labels(one, np.array([0.5]), one, policy="newest")


class TestWhatTheValuesAreMadeOf:
    """`by_image` names, for each image, the labels that its value can be computed from again."""

    @settings(deadline=None)
    @given(st.lists(label, max_size=40), st.sampled_from(LabelPolicy), st.data())
    def test_the_value_follows_from_them(self, rows, policy, data):
        order = data.draw(st.permutations(range(len(rows))))
        given_rows = [rows[i] for i in order]
        chosen = chosen_of(rows, policy, order)
        offsets, found = chosen.by_image()
        for at, image in enumerate(chosen.images.tolist()):
            here = found[offsets[at] : offsets[at + 1]].tolist()
            assert {given_rows[i][0] for i in here} == {image}
            assert [order[i] for i in here] == sorted(order[i] for i in here)
            values = [given_rows[i][1] for i in here]
            value = statistics.fmean if policy == LabelPolicy.MEAN else statistics.median
            assert chosen.values[at] == pytest.approx(value(values))

    @settings(deadline=None)
    @given(st.lists(label, max_size=40))
    def test_a_technician_votes_once_and_a_consensus_stands_alone(self, rows):
        chosen = chosen_of(rows, LabelPolicy.CONSENSUS)
        offsets, found = chosen.by_image()
        for at in range(len(chosen.images)):
            here = [rows[i] for i in found[offsets[at] : offsets[at + 1]].tolist()]
            agreed = any(row[4] for row in rows if row[0] == chosen.images[at])
            assert not agreed or (len(here) == 1 and here[0][4])
            assert len({row[2] for row in here}) == len(here)
