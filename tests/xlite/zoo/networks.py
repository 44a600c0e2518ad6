"""The zoo's networks at a size that tests can afford, and what their full size must be."""

from __future__ import annotations

from typing import Any

# Parameters at full size, as Keras counts them (moving statistics of batch norms included): those of larq-zoo 2.4
# for the networks that it has, which are all down to ``quicknet_large``.
PARAMETERS = {
    "binary_alexnet": 61_859_192,
    "xnornet": 62_396_768,
    "birealnet18": 11_699_112,
    "real_to_binary": 11_995_624,
    "meliusnet22": 6_969_672,
    "binary_densenet28": 5_150_504,
    "binary_densenet37": 8_734_120,
    "binary_densenet37_dilated": 8_734_120,
    "binary_densenet45": 13_939_240,
    "quicknet_small": 12_664_344,
    "quicknet": 13_243_720,
    "binary_resnet_e18": 11_699_368,
    "dorefanet": 62_403_912,
    "quicknet_large": 23_359_304,
    "reactnet": 29_365_480,
    "tiny_vgg": 1_168_362,
    "tiny_quicknet": 1_748_586,
    "keyword_net": 744_716,
    "person_net": 1_128_770,
    "tiny_detector": 2_376_187,
    "tiny_segmenter": 1_634_277,
}

# Multiply-accumulates of an image at full size, (bits times bits, floats), as larq-zoo's own summary counts them;
# ReActNet's paper says 4.82e9 and 0.12e8.
MACS = {
    "quicknet": (1_849_688_064, 29_651_712),
    "meliusnet22": (4_624_220_160, 136_388_608),
    "reactnet": (4_816_896_000, 11_862_016),
}

# Arguments for a small one; the images are no smaller than the network can take.
SMALL: dict[str, dict[str, Any]] = {
    "binary_alexnet": {"input_shape": (72, 67, 3), "classes": 7, "width": 0.25},
    "xnornet": {"input_shape": (61, 72, 3), "classes": 7, "width": 0.25},
    "birealnet18": {"input_shape": (40, 48, 3), "classes": 7, "width": 0.25},
    "real_to_binary": {"input_shape": (40, 48, 3), "classes": 7, "width": 0.25},
    "meliusnet22": {"input_shape": (32, 40, 3), "classes": 7, "width": 0.25},
    "binary_densenet28": {"input_shape": (64, 56, 3), "classes": 7, "width": 0.25},
    "binary_densenet37": {"input_shape": (32, 24, 3), "classes": 7, "width": 0.125},
    "binary_densenet37_dilated": {"input_shape": (56, 64, 3), "classes": 7, "width": 0.125},
    "binary_densenet45": {"input_shape": (24, 24, 3), "classes": 7, "width": 0.125},
    "quicknet_small": {"input_shape": (48, 40, 3), "classes": 7, "width": 0.5},
    "quicknet": {"input_shape": (48, 40, 3), "classes": 7, "width": 0.5},
    "quicknet_large": {"input_shape": (48, 40, 3), "classes": 7, "width": 0.25},
    "binary_resnet_e18": {"input_shape": (50, 56, 3), "classes": 7, "width": 0.25},
    "dorefanet": {"input_shape": (76, 72, 3), "classes": 7, "width": 0.25},
    "reactnet": {"input_shape": (64, 40, 3), "classes": 7, "width": 0.25},
    "tiny_vgg": {"width": 0.5},
    "tiny_quicknet": {"width": 0.5},
    "keyword_net": {"width": 0.5},
    "person_net": {"input_shape": (48, 64, 1), "width": 0.5},
    "tiny_detector": {"input_shape": (64, 96, 3), "classes": 3, "width": 0.5},
    "tiny_segmenter": {"input_shape": (32, 48, 3), "classes": 5, "width": 0.5},
}
