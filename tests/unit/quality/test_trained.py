"""What an image was to a model that read it: held out, trained on, or not known."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mlmcsc.domain.quality.trained import SPLITS, Trained

IDS = st.lists(st.integers(1, 30), max_size=20)


@given(st.dictionaries(st.integers(1, 3), st.sets(st.integers(1, 30))), IDS, st.randoms())
def test_every_pair_is_looked_up_in_the_model_s_own_list(known, images, random):
    models = [random.randint(1, 4) for _ in images]
    lists = {model: np.array(sorted(ids), np.int64) for model, ids in known.items()}
    found = Trained(lists).splits(np.array(models, np.int64), np.array(images, np.int64))
    for model, image, split in zip(models, images, found.tolist(), strict=True):
        if model not in known:
            assert SPLITS[split] == "not_known"
        else:
            assert SPLITS[split] == ("trained_on" if image in known[model] else "held_out")
