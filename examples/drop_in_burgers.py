"""Burgers' equation with LRNR in place of FNN: one line of the script changes.

    u_t + u u_x = nu u_xx,    x in [-1, 1], t in [0, 0.99], nu = 0.01 / pi,
    u(x, 0) = -sin(pi x),     u(-1, t) = u(1, t) = 0,

as in DeepXDE's own example of this name (without its second phase, L-BFGS). Both
networks have about the same number of parameters, and are trained alike on the same
points. It ends in the errors of both, and in a picture of them. Either takes a minute
or two on two cores.
"""

import time

import deepxde_lrnr as lrnr
import deepxde as dde
import matplotlib.pyplot as plt
import numpy as np
import reference
import report

NU = 0.01 / np.pi
ITERATIONS, NUM_DOMAIN = (20, 200) if report.QUICK else (15_000, 2540)

# FNN still differs from run to run: in Keras 3 DeepXDE's initializers are seeded when
# it is imported.
dde.config.set_random_seed(1)
geom = dde.geometry.Interval(-1, 1)
geomtime = dde.geometry.GeometryXTime(geom, dde.geometry.TimeDomain(0, 0.99))


def pde(x, y):
    dy_x = dde.grad.jacobian(y, x, i=0, j=0)
    dy_t = dde.grad.jacobian(y, x, i=0, j=1)
    dy_xx = dde.grad.hessian(y, x, i=0, j=0)
    return dy_t + y * dy_x - NU * dy_xx


bc = dde.icbc.DirichletBC(geomtime, lambda x: 0, lambda _, on_boundary: on_boundary)
ic = dde.icbc.IC(
    geomtime, lambda x: -np.sin(np.pi * x[:, 0:1]), lambda _, on_initial: on_initial
)
sizes = {"num_domain": NUM_DOMAIN, "num_boundary": 80, "num_initial": 160}
data = dde.data.TimePDE(geomtime, pde, [bc, ic], **sizes)

# The line that changes:
fnn = dde.nn.FNN([2] + [20] * 3 + [1], "tanh", "Glorot normal")
low_rank = lrnr.nn.LRNR([2] + [24] * 3 + [1], "tanh", "Glorot normal", rank=8)

x, t = np.linspace(-1, 1, 256), np.linspace(0, 0.99, 100)
points = np.stack(np.meshgrid(x, t), axis=-1).reshape(-1, 2)
exact = reference.burgers(x, t, NU)
panels, figures = {"Exact": exact}, {}
for name, net in {"FNN": fnn, "LRNR": low_rank}.items():
    start = time.perf_counter()
    model = dde.Model(data, net)
    model.compile("adam", lr=1e-3)
    model.train(iterations=ITERATIONS)
    seconds = time.perf_counter() - start
    u = model.predict(points).reshape(exact.shape)
    error = reference.relative_l2(u, exact)
    # FNN.num_trainable_parameters() does not work with Keras 3.
    count = sum(int(np.prod(w.shape)) for w in net.trainable_variables)
    print(f"{name}: {count} parameters, L2 relative error {error:.2e}, {seconds:.0f} s")
    panels[f"|{name} - exact|"] = np.abs(u - exact)
    figures[name] = {"parameters": count, "error": error}
report.keep("drop_in_burgers", **figures)

figure, axes = plt.subplots(1, 3, figsize=(12, 3.2), sharey=True, layout="constrained")
largest = max(error.max() for error in list(panels.values())[1:])
for axis, (title, values) in zip(axes, panels.items(), strict=True):
    low, high = (-1, 1) if title == "Exact" else (0, largest)
    image = axis.pcolormesh(t, x, values.T, vmin=low, vmax=high, shading="gouraud")
    figure.colorbar(image, ax=axis)
    axis.set(title=title, xlabel="t")
axes[0].set_ylabel("x")
figure.savefig("results/drop_in_burgers.png", dpi=150)
