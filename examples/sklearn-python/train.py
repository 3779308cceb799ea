"""Writes model/model.pickle. A pickle needs the scikit-learn that wrote it: use the one in requirements.txt."""

import pickle
from pathlib import Path

from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

rows, labels = load_iris(return_X_y=True)
fit_rows, test_rows, fit_labels, test_labels = train_test_split(
    rows, labels, test_size=30, random_state=7, stratify=labels
)
model = LogisticRegression(max_iter=1000).fit(fit_rows, fit_labels)
print(f"{model.score(test_rows, test_labels):.4f} of 30 test rows right")
path = Path(__file__).parent / "model" / "model.pickle"
path.parent.mkdir(exist_ok=True)
path.write_bytes(pickle.dumps(model))
