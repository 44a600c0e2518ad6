"""The runner behind ``xlite train``: a recipe, data, a resumable run, its log and its curves.

======================  ================================================================================
module                  job
======================  ================================================================================
``recipe``              what a recipe is, and how it is found
``images``              labelled images from .npz files, folders and keras.datasets
``batches``             shuffled and augmented batches, the same ones in every run with the same seed
``checkpoint``          the state of a run in one file, written whole
``distribution``        several devices or machines, by tf.distribute
``runner``              trains
``runlog``              a run as lines of JSON
``curves``              a picture of it
``table``               the table of runs in docs/training.md
======================  ================================================================================
"""
