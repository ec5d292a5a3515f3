"""One peer in Python on one file of intervals; one JSON object on stdout.

peer.py surpyval FILE | scipy FILE (scipy has no law of interval-censored data: exact and right-censored ones only)
"""

import csv
import json
import sys
import time
import warnings

import numpy as np

warnings.filterwarnings("ignore")


def likelihood(at, survival, left, right):
    steps = np.concatenate([[1.0], survival])
    at_time = lambda t: np.where(np.isinf(t), 0.0, steps[np.searchsorted(at, t, side="right")])
    with np.errstate(divide="ignore"):
        return float(np.log(at_time(left) - at_time(right)).sum())


def main():
    peer, path = sys.argv[1:]
    with open(path) as file:
        rows = list(csv.reader(file))[1:]
    left = np.array([float(row[0]) for row in rows])
    right = np.array([float(row[1]) if row[1] else np.inf for row in rows])
    if peer == "surpyval":
        import surpyval as module

        begin = time.process_time()
        law = module.Turnbull.fit(xl=left, xr=right, turnbull_estimator="Kaplan-Meier", max_iter=100_000)
        took = time.process_time() - begin
        at, survival = np.asarray(law.x), np.asarray(law.R)
    else:
        import scipy as module
        from scipy import stats

        data = stats.CensoredData(uncensored=right[np.isfinite(right)], right=left[np.isinf(right)])
        begin = time.process_time()
        law = stats.ecdf(data)
        took = time.process_time() - begin
        at, survival = law.sf.quantiles, law.sf.probabilities
    answer = {"peer": f"{peer} {module.__version__}", "seconds": took}
    print(json.dumps(answer | {"log_likelihood": likelihood(at, survival, left, right)}))


main()
