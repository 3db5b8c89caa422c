"""Classifies the papers of the Cora citation network, with 20 labelled papers per class.

python examples/classify_nodes.py                               GCN, one seed, downloads Cora
python examples/classify_nodes.py --model chebnet --K 3 --seeds 10 --data FOLDER
"""

import keras
from tqdm.keras import TqdmCallback

from stgkeras import datasets, graphs, models, plots
from stgkeras.cli import scripts


def compiled(args, cora):
    """Returns a GCN or a ChebNet with the settings of Kipf and Welling."""
    settings = {**cora.sizes, "filters": (16,), "kernel_regularizer": keras.regularizers.L2(2.5e-4)}
    if args.model == "gcn":
        model = models.GCN(graph=graphs.renormalized_adjacency(cora.adjacency), **settings)
    else:
        graph = graphs.scaled_laplacian(cora.adjacency)
        model = models.ChebNet(graph=graph, K=args.K, classify="nodes", **settings)
    loss = keras.losses.SparseCategoricalCrossentropy(True, reduction="mean_with_sample_weight")
    model.compile(keras.optimizers.Adam(1e-2), loss, weighted_metrics=["accuracy"])
    return model


def main(args):
    folder = scripts.new_folder(args.out, args.model)
    with scripts.in_option_names(args, path="--data"):
        cora = datasets.load_cora(args.data)
    train, val, test = (cora.batch(part) for part in ("train", "val", "test"))
    words, runs = cora.accuracy_of_words(), []
    for seed in range(args.seed, args.seed + args.seeds):
        keras.utils.set_random_seed(seed)
        model = compiled(args, cora)
        best = keras.callbacks.EarlyStopping(patience=args.epochs, restore_best_weights=True)
        watch = [best, TqdmCallback(verbose=0, desc=f"seed {seed}")]
        model.fit(train, epochs=args.epochs, verbose=0, validation_data=val, callbacks=watch)
        scores = [100 * model.evaluate(part, verbose=0)[1] for part in (val, test)]
        runs.append({"seed": seed, "validation": scores[0], "test": scores[1]})
    model.save(folder / "model.keras")
    hidden = keras.Model(model.input, model.get_layer("convolution_1").output)
    panels = {"words": cora.features, "hidden features": hidden.predict(test[0][0], verbose=0)[0]}
    title = f"Cora by t-SNE. Test accuracy {scores[1]:.1f} %, words alone {words['test']:.1f} %"
    figures = {"classes": plots.classes(panels, cora.labels, title=title)}
    table = scripts.over_seeds(runs, {"words alone": words})
    scripts.finish(folder, f"{args.model}, accuracy in %", table, figures, test=runs)


def parse(arguments=None):
    parser = scripts.parser(__doc__, epochs=200)
    parser.add_argument("--model", choices=("gcn", "chebnet"), default="gcn")
    parser.add_argument("--K", type=scripts.count, default=3, help="Chebyshev terms of ChebNet")
    parser.add_argument("--data", help="folder or file of Cora; default: download")
    parser.add_argument("--seeds", type=scripts.count, default=1, help="number of seeds")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main(parse())
