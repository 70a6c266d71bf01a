"""Writes branches.keras, branches.h5 and branches.json: one model by Keras itself, inputs, and what it makes of them.

    KERAS_BACKEND=torch python3 makeKeras.py    # Keras 3.15, with PyTorch and h5py

Layers are made in another order than they are listed in the files, and hard_sigmoid has the slope of Keras 3.
"""
import json
import keras, numpy

layers = keras.layers
image = keras.Input((5, 4, 2), name="image")
late = layers.Dense(4, name="late")
a = layers.Conv2D(3, 2, name="first", activation="hard_sigmoid")(image)
a = layers.BatchNormalization(name="normalisation")(a, training=False)
a = layers.MaxPooling2D(2, name="pool")(a)
a = layers.Dense(4, name="a")(layers.Flatten(name="flat")(a))
a = layers.Dense(4, name="b", activation="relu")(a)
y = layers.Subtract(name="difference")([late(layers.Flatten(name="flatter")(image)), layers.Dropout(0.5, name="dropout")(a)])
model = keras.Model(image, y, name="branches")
random = numpy.random.default_rng(1)
for variable in model.variables:
    if "seed" not in variable.path:
        variable.assign((random.normal(size=variable.shape) * 0.7 + (3 if "variance" in variable.path else 0)).astype("float32"))
x = (random.normal(size=(3, 5, 4, 2)) * 2).astype("float32")
y = keras.ops.convert_to_numpy(model(x, training=False))
model.save("branches.keras")
model.save("branches.h5")
with open("branches.json", "w") as file:
    json.dump({"x": x.reshape(3, -1).tolist(), "y": y.tolist()}, file)
print([layer.name for layer in model.layers])
