"""The papers that questions name in their docstrings, and where they can be read."""
import re
from typing import NamedTuple


class Paper(NamedTuple):
    """Authors, title and place in one line, and an address."""

    text: str
    address: str


# What a docstring says, as a pattern, and what is meant.
PAPERS = {
    r"Ishida et al": Paper(
        "Ishida et al., Do we need zero training loss after achieving zero training error? ICML 2020",
        "https://arxiv.org/abs/2002.08709"),
    r"Soudry et al": Paper(
        "Soudry et al., The implicit bias of gradient descent on separable data, JMLR 2018",
        "https://arxiv.org/abs/1710.10345"),
    r"Lyu & Li": Paper(
        "Lyu & Li, Gradient descent maximizes the margin of homogeneous neural networks, ICLR 2020",
        "https://arxiv.org/abs/1906.05890"),
    r"Li et al\., NeurIPS 2018": Paper(
        "Li et al., Visualizing the loss landscape of neural nets, NeurIPS 2018",
        "https://arxiv.org/abs/1712.09913"),
    r"Zhang et al": Paper(
        "Zhang et al., Understanding deep learning requires rethinking generalization, ICLR 2017",
        "https://arxiv.org/abs/1611.03530"),
    r"Hastie": Paper(
        "Hastie, Tibshirani, Friedman, The elements of statistical learning, 2009",
        "https://hastie.su.domains/ElemStatLearn/"),
    r"Belkin": Paper(
        "Belkin et al., Reconciling modern machine-learning practice and the classical bias-variance trade-off, "
        "PNAS 2019",
        "https://arxiv.org/abs/1812.11118"),
    r"Yeom et al": Paper(
        "Yeom et al., Privacy risk in machine learning: analyzing the connection to overfitting, CSF 2018",
        "https://arxiv.org/abs/1709.01604"),
    r"Song & Mittal": Paper(
        "Song & Mittal, Systematic evaluation of privacy risks of machine learning models, USENIX Security 2021",
        "https://arxiv.org/abs/2003.10595"),
    r"Carlini\s+et al": Paper(
        "Carlini et al., Membership inference attacks from first principles, IEEE S&P 2022",
        "https://arxiv.org/abs/2112.03570"),
    r"Chen et al\., ICLR 2022": Paper(
        "Chen et al., RelaxLoss: defending membership inference attacks without losing utility, ICLR 2022",
        "https://arxiv.org/abs/2207.05801"),
    r"Srivastava et al": Paper(
        "Srivastava et al., Dropout: a simple way to prevent neural networks from overfitting, JMLR 2014",
        "https://jmlr.org/papers/v15/srivastava14a.html"),
    r"Prechelt": Paper(
        "Prechelt, Automatic early stopping using cross validation: quantifying the criteria, Neural Networks 11, "
        "1998",
        "https://doi.org/10.1016/S0893-6080(98)00010-0"),
    r"Hinton and Salakhutdinov": Paper(
        "Hinton & Salakhutdinov, Reducing the dimensionality of data with neural networks, Science 313, 2006",
        "https://doi.org/10.1126/science.1127647"),
    r"Power et al": Paper(
        "Power et al., Grokking: generalization beyond overfitting on small algorithmic datasets, 2022",
        "https://arxiv.org/abs/2201.02177"),
    r"Omnigrok": Paper(
        "Liu et al., Omnigrok: grokking beyond algorithmic data, ICLR 2023",
        "https://arxiv.org/abs/2210.01117"),
    r"Dichotomy of early": Paper(
        "Lyu et al., Dichotomy of early and late phase implicit biases can provably induce grokking, ICLR 2024",
        "https://arxiv.org/abs/2311.18817")}


def named(docstring: str) -> list[Paper]:
    """Return the papers that a docstring names, in the order in which it does."""
    found = {pattern: match.start() for pattern in PAPERS if (match := re.search(pattern, docstring))}
    return [PAPERS[pattern] for pattern in sorted(found, key=lambda pattern: found[pattern])]
