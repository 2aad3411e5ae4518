"""What is seen in each figure, for those who do not see it. The numbers behind it stand in the question's tables."""

ALTS = {
    "zero_loss_curves":
        "Loss and error over epochs, of training samples dashed and of test samples solid, with and without flooding, a "
        "column per data set and share of wrong labels. What each stopping rule returns is marked; the time after zero "
        "training error is shaded.",
    "zero_loss_margins":
        "Distributions of the margins of the training samples at zero training error, later and at the end, a column "
        "per data set and share of wrong labels: how far they move to the right.",
    "zero_loss_levels":
        "Validation and test error and loss after flooding, over the flood level, with the chosen level.",
    "loss_matters":
        "Change of the test error from zero training error to the end, in points, for four losses, plain and "
        "flooded and two of them smoothed; above zero training on has hurt, below it has helped. A panel per data set.",
    "loss_matters_test":
        "Test error and test loss over multiples of the epochs to zero training error, a line per loss.",
    "loss_matters_margins":
        "Smallest margin, normalised margin and norm of the weights over multiples of the epochs to zero training "
        "error, a line per loss.",
    "margin_theory":
        "Loss, norm of the weights, angle to the support vector machine and validation loss over epochs, a line per "
        "data set, beside dotted lines of what theory predicts.",
    "margin_theory_confidence":
        "Mean probability of the label and accuracy over epochs, a panel per data set: the one grows on while the "
        "other stands still.",
    "margin_theory_networks":
        "Normalised and smoothed margin of relu networks without offsets over epochs.",
    "double_descent":
        "Training and test loss and the norms of their gradients over epochs, plain and flooded, with flipped and "
        "with clean labels: whether the test loss falls a second time.",
    "double_descent_profiles":
        "Training loss along random directions from the end of training, plain and flooded: the wider the valley, the "
        "flatter the end.",
    "double_descent_planes":
        "Training loss on a plane of two random directions around the end, as contour lines, plain and flooded.",
    "flooding_family":
        "Bars of test loss, test error and calibration error of plain cross-entropy and of seven methods that hold "
        "the training loss up, a row per data set.",
    "flooding_family_batches":
        "Gap between flooding batches and flooding the whole set, measured and by the formula, and the test loss, "
        "over the batch size.",
    "memorization":
        "Training error and loss over epochs, test error and distance to another answer at the end, for digits with "
        "real labels, shuffled pixels, random pixels, random inputs and random labels.",
    "memorization_limits":
        "Weights of the smallest network that fits over the number of samples; error of the constructed network; "
        "training error over the flood level; errors where labels are drawn by chance.",
    "perfect_training_accuracy":
        "Heat maps of training error, validation error and their gap over network size and number of samples, with "
        "the line from which on training accuracy is perfect.",
    "perfect_training_accuracy_best":
        "By how many points of validation error the best network without training errors, and the smallest such, are above "
        "the best one with some, over the number of samples; and the gap, far below the bound of structural risk "
        "minimisation, over the number of weights.",
    "privacy":
        "Area under the curve of six membership attacks at early stopping, zero error, multiples of its epoch and the end, "
        "with clean and with flipped labels; 0.5 is chance.",
    "privacy_defences":
        "Area under the curve of membership attacks and test error of each defence, beside plain training.",
    "privacy_images":
        "Grey images of digits: means of members, and what attacks with the gradients and with outputs alone "
        "reconstruct, a row per kind of training.",
    "fast_perfect":
        "Share of runs at 100 % training accuracy and validation loss over epochs, on random labels, a line per "
        "program.",
    "fast_perfect_sizes":
        "Heat maps of the first epoch at 100 % and of the test error then, over samples and units, for classes far "
        "apart, digits and random labels.",
    "fast_perfect_faults":
        "Share of runs at 100 % after two epochs, and training, validation and test error at the end, a column "
        "per planted fault; red marks tell the validation set what it must not know.",
    "regularizers":
        "Test error, test loss and calibration error of every regulariser, from the start and from zero training "
        "error on, a row of panels per data set.",
    "regularizers_level":
        "Training loss of every run at the end beside the preset level, a row of points per regulariser.",
    "stopping_study":
        "Test loss over slowness, a point per stopping criterion: those that watch the validation loss, and those "
        "that need no validation set.",
    "stopping_study_claim":
        "Change of the test loss beside the factor in training time from fast to slow criteria, among Prechelt's "
        "classes, a point per problem.",
    "stopping_study_watched":
        "Test loss and test error of criteria that watch the validation error, beside the same ones on the validation "
        "loss.",
    "online":
        "Test error on-line, in batches of 20 and in full batches, over presentations of every pattern and over "
        "processor time.",
    "online_measures":
        "Losses of single patterns before their update and averages of them over the first epochs, beside training "
        "and validation loss of frozen weights.",
    "online_stops":
        "Epoch of the stop, share of runs stopped in a temporary rise, and test loss above the lowest, a column per "
        "stopping rule; red ones know no validation samples.",
    "validation_above_training":
        "Bars of validation less training accuracy, split into their causes, a row per case; a diamond is the gap as "
        "shown, a circle what is left after measuring at the epoch's end.",
    "validation_above_training_epochs":
        "Running training accuracy, training accuracy with frozen weights and validation accuracy over epochs, a "
        "panel per case.",
    "autoencoder":
        "Reconstruction error and accuracy of a linear classifier of the code over epochs, for digits and "
        "Fashion-MNIST, a line per network.",
    "autoencoder_codes":
        "Accuracy of the code over reconstruction error, a trace per size of the code; and what other learning rates "
        "bring on a plateau and at the end.",
    "autoencoder_rules":
        "Epoch of the model that each stopping rule returns, a mark per run, for a fast and a slow network: crosses where "
        "it stopped on a plateau or too soon.",
    "sequences":
        "Training and validation accuracy over epochs, and bars of the parts of the missing points: network, "
        "training, several networks, n-grams, and what is left.",
    "sequences_words":
        "Error over the number of words to learn from, for real words and for words drawn from n-grams, with the best "
        "possible error of the latter.",
    "sequences_grid":
        "Heat map of the accuracy on words held out, networks by trainings.",
    "grokking":
        "Training and test accuracy, validation loss, norm and normalised margin over epochs, a line per weight "
        "decay: training accuracy is perfect long before test accuracy rises.",
    "grokking_rules":
        "Heat maps of the test accuracy of what each stopping rule returns and of the epochs trained, by weight "
        "decay.",
    "grokking_patience":
        "Share of runs that patience misses over the number of epochs it waits, on validation loss and on validation "
        "error, a line per weight decay.",
    "overfitting_epochs":
        "Test error over learning rate times epochs, for three sizes and three rates, with flipped and with true "
        "labels.",
    "overfitting_epochs_capacity":
        "Distance from the start, directions learnt and share of wrong labels learnt over learning rate times epochs.",
    "published_flooding":
        "Measured accuracies with and without flooding beside the published ones, a group per share of flipped "
        "labels, a dot per seed.",
    "flooding_table_levels":
        "Validation and test accuracy over the flood level, three data sets at three shares of flipped labels, with "
        "the levels chosen by validation.",
    "flooding_table_curves":
        "Training and test loss over epochs, with and without flooding, three data sets at three shares of flipped "
        "labels.",
    "level_choice":
        "Test accuracy over the cost in whole trainings, a mark per way of choosing the flood level.",
    "speed_growth":
        "Time per epoch over layer width, batch size and number of samples."}


def alt(name: str, title: str) -> str:
    """Return the alternative text of a figure by its name, with its own title first."""
    if name.startswith("speed_") and name not in ALTS:
        seen = "Bars of the time that an epoch takes, a bar per contender, with quartiles."
    else:
        seen = ALTS.get(name, "")
    return f"{title}. {seen}" if title and seen else seen or title
