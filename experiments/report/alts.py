"""What is seen in each figure, for those who do not see it. The numbers behind it stand in the question's tables."""

ALTS = {
    "zero_loss_curves":
        "Loss and error over epochs, of training samples dashed and of test samples solid, with and without flooding, a "
        "column per data set and share of wrong labels. What each stopping rule returns is marked; the time after zero "
        "training error is shaded.",
    "zero_loss_margins":
        "Histograms of the margins of the training samples at zero training error, later and at the end, margins of "
        "probabilities above, of outputs (log scale) below, a column per data set and share of wrong labels.",
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
        "Training loss, norm of the weights, angle to the support vector machine and validation loss over epochs, a line "
        "per data set; dotted beside loss and norm: what theory predicts, up to a constant.",
    "margin_theory_confidence":
        "Over epochs (log), a panel per data set and network: the mean probability of the label of training samples, "
        "dashed, the mean probability that validation samples' decisions are given, dotted in the same hue, and dotted in "
        "another hue the share of these decisions that are right.",
    "margin_theory_networks":
        "Normalised and smoothed margin of relu networks without offsets over epochs.",
    "double_descent":
        "Test loss, training loss and the norms of their gradients over epochs, plain and flooded at two levels, a row "
        "per data set and share of flipped labels; the epoch of zero training error is marked.",
    "double_descent_profiles":
        "Training loss and test loss along random directions, a line each around the plain network at zero training error"
        " and at the end, and around the flooded one at the flood's start and at the end, a row per data set and share of"
        " flipped labels.",
    "double_descent_planes":
        "Training loss on a plane of two random directions, as contours, around the plain network at zero training error "
        "and at the end, and around the flooded one at the flood's start and at the end, a row per data set.",
    "flooding_family":
        "Bars of test loss, test error and calibration error of plain cross-entropy and of seven methods that hold "
        "the training loss up, a row per data set.",
    "flooding_family_batches":
        "Over the batch size, a column per data set and share of flipped labels: above the gap between flooding batches "
        "and flooding the whole set, measured and by the formula; below the test loss, plain, with flooded batches and "
        "with flooded samples.",
    "memorization":
        "Training error and training loss over epochs, test error and distance to another answer at the end, for digits "
        "with real labels, shuffled pixels, random pixels, random inputs and random labels; of a constructed network the "
        "distance, too.",
    "memorization_limits":
        "Weights of the smallest network that fits over the number of samples; largest weight and error of the "
        "constructed network; training error over the flood level; training and test error where labels are drawn by "
        "chance, beside the best possible.",
    "perfect_training_accuracy":
        "Heat maps of training error, validation error and their gap over network size and number of samples, with the "
        "line above which most runs reached zero training error.",
    "perfect_training_accuracy_best":
        "By how many points of validation error the best network without training errors, and the smallest such, are "
        "above the best one with some, over the number of samples; and the gap between training and validation error "
        "beside the bound of structural risk minimisation, over the number of weights.",
    "privacy":
        "Area under the curve of six membership attacks at early stopping, zero error, multiples of its epoch and the end, "
        "with clean and with flipped labels; 0.5 is chance.",
    "privacy_defences":
        "Area under the curve of two membership attacks, balanced accuracy of the one by the loss, and test error, a row "
        "per defence, beside plain training stopped early, at zero error, later and at the end, with clean and with "
        "flipped labels.",
    "privacy_images":
        "Grey images of digits: means of members and of others, and what attacks with the gradients and with outputs "
        "alone reconstruct, a row per kind of training.",
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
        "Test loss over slowness, for cross-entropy and squared error, a point per stopping criterion: above those that "
        "watch the validation loss, below those that need no validation set.",
    "stopping_study_claim":
        "Change of the test loss that four times the training time buys, from Prechelt's fast to his slow criteria, for "
        "cross-entropy and squared error, a row per problem; dotted: the 4 % less that he found.",
    "stopping_study_watched":
        "Factors in training time and in test loss, and difference in test error, of criteria that watch the validation "
        "error against the same ones on the validation loss, a row per criterion.",
    "online":
        "Test error on-line, in batches of 20 and in full batches, over presentations of every pattern and over "
        "processor time.",
    "online_measures":
        "Left, over the first epochs of one run: losses of single patterns before their update, their running average and"
        " each epoch's, and the training and validation loss of frozen weights. Right: the same averages and losses over "
        "all epochs, of all seeds.",
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
        "Reconstruction error and accuracy of a linear classifier of the code over epochs, for digits and Fashion-MNIST, "
        "a line per network, beside principal components.",
    "autoencoder_codes":
        "Accuracy of the code over reconstruction error, a trace per size of the code; and what other learning rates "
        "bring on a plateau and at the end.",
    "autoencoder_rules":
        "Epoch of the model that each stopping rule returns, a mark per run, for two data sets and a fast and a slow "
        "network: crosses where it stopped on a plateau or too soon, grey strokes where it never stopped.",
    "sequences":
        "Training and validation accuracy over epochs of the plain and of the best network, and bars of the points that "
        "the plain one lacks: network, training, one start of several, n-grams, and what is left.",
    "sequences_words":
        "Error over the number of words to learn from, for real words and for words drawn from n-grams, with the best "
        "possible error of the latter.",
    "sequences_grid":
        "Heat map of the accuracy on words held out, networks by trainings.",
    "grokking":
        "Training accuracy dashed and test accuracy solid, validation loss, norm of the weights and normalised margin "
        "over epochs (log), a line per weight decay.",
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
        "Share of wrong labels learnt, or training error where labels are true, distance from the start and number of "
        "directions learnt over learning rate times epochs, a line per size of the network and rate.",
    "published_flooding":
        "Measured accuracies with and without flooding beside the published ones, and test cross-entropy, a group per "
        "share of flipped labels, a dot per seed; dashed: the best possible.",
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
