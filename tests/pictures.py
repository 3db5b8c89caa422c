"""A figure as it is saved."""


def drawn(figure, path):
    """The pixels of the saved figure, which must not be blank."""
    from matplotlib.image import imread

    figure.savefig(path)
    pixels = imread(path)[..., :3]
    assert pixels.std() > 0.05
    return pixels
