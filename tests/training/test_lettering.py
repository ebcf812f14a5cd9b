"""Words are printed over faces, mostly at the height of the eyes, and over no others."""

import numpy as np
import tensorflow as tf

from gafas.training.augment import augment, draw_masks, letter
from gafas.training.recipe import Augmentation

SIDE = 96


def test_masks_are_lines_of_strokes_most_of_them_across_the_eyes() -> None:
    masks = draw_masks(SIDE)
    assert masks.shape == (400, SIDE, SIDE)
    inked = (masks > 127).mean(axis=(1, 2))
    assert 0.02 < np.median(inked) < 0.12
    assert (inked > 0.3).sum() == 0
    rows = (masks > 127).any(axis=2)
    assert rows[:, 30:56].any(axis=1).mean() > 0.7  # where crops have the eyes
    wide = (masks > 127).any(axis=1).mean(axis=1)
    assert np.median(wide) > 0.3
    assert np.array_equal(masks, draw_masks.__wrapped__(SIDE))


def test_letters_cover_their_share_of_what_lies_below() -> None:
    images = tf.constant(np.full((2, SIDE, SIDE, 3), 200, np.float32))
    mask, grey = tf.constant([0.3, 0.3]), tf.constant([50.0, 50.0])
    printed = letter(images, mask, opacity=tf.constant([0.5, 0.0]), grey=grey).numpy()
    chosen = draw_masks(SIDE)[120]
    assert np.allclose(printed[0][chosen == 255], 125)
    assert np.allclose(printed[0][chosen == 0], 200)
    assert (chosen == 255).sum() > 50
    assert np.array_equal(printed[1], images[1])


def test_the_share_of_a_recipe_is_printed_on_each_in_its_own_way() -> None:
    images = np.full((200, SIDE, SIDE, 3), 128, np.float32)
    seed = tf.constant((3, 4))
    changed = augment(tf.constant(images), Augmentation(lettering=0.25), seed=seed).numpy()
    touched = (changed != 128).any(axis=(1, 2, 3))
    assert 30 < touched.sum() < 70
    assert len(np.unique(changed[touched].reshape(touched.sum(), -1), axis=0)) == touched.sum()
