"""Data sets: every loader returns a `DataSet` with documented shapes, classes, source and licence.

Nothing is downloaded. Every split and every flipped label follows from a seed.
"""
from losses.bayes import BayesFigures

from .digits import digits
from .fann import FannError, read_fann
from .fashion_mnist import fashion_mnist
from .folds import grouped_split, k_fold, row_groups
from .gaussians import two_gaussians, two_gaussians_bayes
from .idx import IdxError, encode_idx, read_idx
from .labels import flip_labels, stratified_split
from .leakage import LeakageReport, leakage_report
from .mnist import mnist
from .preprocessing import Clipping, Imputation, Standardisation, prepared
from .proben1 import proben1
from .sets import DataSet, Split
from .sinusoid import sinusoid, sinusoid_bayes
from .spiral import spiral, spiral_bayes
from .uci import breast_cancer, iris, wine
from .words import alphabet, words

__all__ = ["BayesFigures", "Clipping", "DataSet", "FannError", "IdxError", "Imputation", "LeakageReport", "Split",
           "Standardisation", "alphabet", "breast_cancer", "digits", "encode_idx", "fashion_mnist", "flip_labels",
           "grouped_split", "iris", "k_fold", "leakage_report", "mnist", "prepared", "proben1", "read_fann", "read_idx",
           "row_groups", "sinusoid", "sinusoid_bayes", "spiral", "spiral_bayes", "stratified_split", "two_gaussians",
           "two_gaussians_bayes", "wine", "words"]
