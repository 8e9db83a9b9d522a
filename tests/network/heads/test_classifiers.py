"""What the pooled head's norms do to what all images share."""

import pytest
import torch

from nas.network.heads.classifiers import Pool


@pytest.mark.parametrize(("norm", "hidden_by_what_is_shared"), [("layer", True), ("batch", False)])
def test_batch_norm_takes_away_what_all_images_share(norm, hidden_by_what_is_shared):
    """A large map common to all images drowns their differences in LayerNorm, not in BatchNorm."""
    head = Pool(16, 10, norm=norm).train()
    images = torch.randn(64, 16, 4, 4)
    shared = 100 * torch.randn(1, 16, 1, 1)
    differing = [head(x).std(0).mean() for x in (images, images + shared)]
    assert (differing[1] < 0.1 * differing[0]) == hidden_by_what_is_shared


def test_batch_norm_judges_by_the_images_seen_in_training():
    head = Pool(8, 4, norm="batch").train()
    for _ in range(200):
        head(5 + torch.randn(32, 8, 2, 2))
    head.eval()
    alone, among = torch.randn(1, 8, 2, 2), torch.randn(7, 8, 2, 2)
    torch.testing.assert_close(head(alone), head(torch.cat([alone, among]))[:1])
    assert head.norm(torch.full((1, 8), 5.0)).abs().max() < 0.5


def test_batch_norm_trains_on_one_image_by_the_images_seen_before():
    """As where `--accumulate` divides batches into single images, or all but one of a batch cannot be read."""
    head = Pool(8, 4, norm="batch")
    head.train()(5 + torch.randn(32, 8, 2, 2))
    seen, alone = head.norm.running_mean.clone(), torch.randn(1, 8, 2, 2)
    found = head(alone)
    found.square().sum().backward()
    assert torch.equal(head.norm.running_mean, seen)
    torch.testing.assert_close(found, head.eval()(alone))
