"""The loop of every training: updates, and between them measuring, logging, saving, stopping."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from tinyllm import random
from tinyllm.files import remove_partials
from tinyllm.nn import Module
from tinyllm.training import divergence
from tinyllm.training.checkpoint import Checkpoint, remove_after, save_checkpoint
from tinyllm.training.display import Display
from tinyllm.training.folder import RunFolder, first_of
from tinyllm.training.interruption import Interruption, TrainingInterrupted
from tinyllm.training.learner import Learner
from tinyllm.training.metrics_log import MetricsLog, Row


class Loop:
    """Trains up to `config.max_steps` and keeps all of it in a run's folder.

    A subclass says what is measured and when, what else a checkpoint holds, and how it ends:
    the methods that raise NotImplementedError or do nothing here.
    """

    def __init__(
        self,
        learner: Learner,
        run: RunFolder,
        display: Display,
        checkpoint: Checkpoint | None = None,
    ) -> None:
        self.learner, self.run, self.display = learner, run, display
        self.model: Module = learner.model
        self.config = learner.config
        self.seconds = 0.0  # of the whole training, measuring and saving included
        if checkpoint:
            self._restore(checkpoint)
        self.random = self.learner.random_state()

    @property
    def step(self) -> int:
        """How many updates have been made."""
        return self.learner.step

    def train(self) -> Any:
        """Train up to `config.max_steps`, measure, and write the report.

        Raises:  TrainingInterrupted after Ctrl-C or SIGTERM, when all is saved; call `train` again
                 to go on. TrainingDiverged if the loss or gradient is no longer a number.
        """
        self.learner.set_random_state(self.random)
        remove_after(self.run.checkpoints, self.step)
        remove_partials(self.run.path)
        if self.step < self.config.max_steps:
            self.run.weights.unlink(missing_ok=True)  # what they hold is in a checkpoint too
        self.log = MetricsLog(self.run.metrics, self.step or -1)
        for row in self.log.rows:
            self.display.row(row)
        self.display.say(self._greeting())
        try:
            with Interruption(self.display.say) as interruption:
                self._prepare()
                self._steps(interruption)
                return self._finish()
        except TrainingInterrupted as stop:
            if self.step:
                self.save()
            raise TrainingInterrupted(stop.signal, self._how_to_go_on()) from None
        except divergence.TrainingDiverged as error:
            if self.step and divergence.all_finite(self.model):
                self.save()
            error.add_advice(self._advice())
            raise
        finally:
            self.log.close()
            self.display.close()
            self.random = self.learner.random_state()

    def _steps(self, interruption: Interruption) -> None:
        config = self.config
        with self.display.bar("training", config.max_steps, self.step) as bar:
            while self.step < config.max_steps:
                with interruption.postponed():
                    started = time.perf_counter()
                    row = self.learner.update()
                    last = self.step == config.max_steps
                    measured = self._is_to_measure(last)
                    if measured:
                        row.update(self._measured())
                    row["seconds"] = round(self.seconds + time.perf_counter() - started, 3)
                    self._note(row)
                    self._after_step(last)
                    self.seconds += time.perf_counter() - started
                    if self.step % config.checkpoint_every == 0 or last:
                        self.save()
                speed = f"{row['tokens_per_second']:,.0f} tokens/s"
                bar.set_postfix_str(f"loss {row['train_loss']:.3f}, {speed}", refresh=False)
                bar.update()
                if measured:
                    self._say_progress(row)

    def _note(self, row: Row) -> None:
        """Write a row into the log, and show it."""
        self.log.append(row)
        self.display.row(row)

    def _measured(self) -> dict[str, Any]:
        """Measure with the weights that would be kept; the training does not notice."""
        state = random.default_generator.get_state()
        try:
            with self.learner.averaged():
                return self._measure()
        finally:
            random.default_generator.set_state(state)

    def _use_averaged_weights(self) -> None:
        """Let the model have for good the weights that are kept: at the end."""
        if self.learner.average is not None:
            self.model.load_state_dict(self.learner.averaged_weights())

    # Saving

    def save(self) -> None:
        """Write a checkpoint of the present step, unless there is one."""
        self.log.sync()
        arrays, numbers, extras = self.learner.state()
        own, own_extras = self._state()
        state = {"seconds": self.seconds, **numbers, **own}
        weights = self.learner.weights()
        extras = {**extras, **own_extras}
        save_checkpoint(self.run.checkpoints, self.step, weights, arrays, state, extras=extras)

    def _restore(self, checkpoint: Checkpoint) -> None:
        try:
            self.learner.restore(checkpoint)
            self.seconds = float(checkpoint.state["seconds"])
            self._restore_state(checkpoint)
        except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
            raise ValueError(
                f"{checkpoint.path} does not fit {self.run.config}: {first_of(error)}"
            ) from None

    # What a subclass has to say

    def _prepare(self) -> None:
        """Before the first step, or before going on: compile, measure."""

    def _is_to_measure(self, last: bool) -> bool:
        """Whether to measure after this step."""
        raise NotImplementedError

    def _measure(self) -> dict[str, Any]:
        """What the log's row of this step has besides."""
        raise NotImplementedError

    def _after_step(self, last: bool) -> None:
        """What else is done after a step that is in the log."""

    def _state(self) -> tuple[dict[str, Any], dict[str, dict[str, np.ndarray]]]:
        """What else a checkpoint holds: values for its JSON, and further weights."""
        return {}, {}

    def _restore_state(self, checkpoint: Checkpoint) -> None:
        """Take back what `_state` gave."""

    def _finish(self) -> Any:
        """After the last step: measure, write the weights and the picture, give the result."""
        raise NotImplementedError

    def _greeting(self) -> str:
        raise NotImplementedError

    def _say_progress(self, row: Row) -> None:
        raise NotImplementedError

    def _how_to_go_on(self) -> str:
        raise NotImplementedError

    def _advice(self) -> str:
        """What to try when the training has diverged."""
        raise NotImplementedError
