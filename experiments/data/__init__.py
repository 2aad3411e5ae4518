"""Data sets: every loader returns a `DataSet` with documented shapes, classes, source and licence.

Nothing is downloaded. Every split and every flipped label follows from a seed.
"""
from experiments.data.digits import digits
from experiments.data.fann import FannError, read_fann
from experiments.data.fashion_mnist import fashion_mnist
from experiments.data.folds import grouped_split, k_fold, row_groups
from experiments.data.gaussians import two_gaussians, two_gaussians_bayes
from experiments.data.idx import IdxError, encode_idx, read_idx
from experiments.data.labels import flip_labels, stratified_split
from experiments.data.leakage import LeakageReport, leakage_report
from experiments.data.mnist import mnist
from experiments.data.preprocessing import Clipping, Imputation, Standardisation, prepared
from experiments.data.proben1 import proben1
from experiments.data.sets import DataSet, Split
from experiments.data.sinusoid import sinusoid, sinusoid_bayes
from experiments.data.spiral import spiral, spiral_bayes
from experiments.data.uci import breast_cancer, iris, wine
from experiments.data.words import alphabet, words
from losses.bayes import BayesFigures

__all__ = ["BayesFigures", "Clipping", "DataSet", "FannError", "IdxError", "Imputation", "LeakageReport", "Split",
           "Standardisation", "alphabet", "breast_cancer", "digits", "encode_idx", "fashion_mnist", "flip_labels",
           "grouped_split", "iris", "k_fold", "leakage_report", "mnist", "prepared", "proben1", "read_fann", "read_idx",
           "row_groups", "sinusoid", "sinusoid_bayes", "spiral", "spiral_bayes", "stratified_split", "two_gaussians",
           "two_gaussians_bayes", "wine", "words"]
