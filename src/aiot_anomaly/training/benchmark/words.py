"""The two languages of the READMEs: names of rows, sentences, and how numbers are written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from aiot_anomaly.training.benchmark import catalogue
from aiot_anomaly.training.benchmark.tables import BUNDLE, NETWORK, UNTRAINED

_PORTUGUESE = {
    NETWORK: "autoencoder LSTM",
    BUNDLE: "pacote em serviço",
    UNTRAINED: "a mesma rede, sem treino",
    "PCA autoencoder": "autoencoder PCA",
    "no network": "sem rede",
    "moving-average Mahalanobis": "Mahalanobis da média móvel",
    "PCA T2 and Q": "T² e Q de PCA",
    "isolation forest": "isolation forest",
    "seasonal naive": "ingênuo sazonal",
    "persistence": "persistência",
    "minimum night flow": "vazão mínima noturna",
    "minimum night flow 3 sigma": "vazão mínima noturna, 3 sigma",
    "night level": "nível noturno de vazão e pressões",
    "consumption ratio": "razão de consumo",
    "position only": "só a posição",
    "random": "aleatório",
    "every row an alarm": "toda linha um alarme",
}


@dataclass(frozen=True)
class Language:
    """How a document is written.

    Attributes:
        portuguese: Portuguese; else English.
    """

    portuguese: bool = False

    def row(self, name: str, seeds: int = 0) -> str:
        """A row's name; of a network with the number of its seeds."""
        said = _PORTUGUESE.get(name, name) if self.portuguese else name.replace("T2", "T²")
        if not seeds:
            return said
        return f"**{said}**, média de {seeds} sementes" if self.portuguese else f"**{said}**, mean of {seeds} seeds"

    def title(self, measure: str) -> str:
        """A measure's name in a table's head."""
        return catalogue.title(measure, portuguese=self.portuguese)

    def number(self, text: str) -> str:
        """A number, with the points and commas of the language."""
        if not self.portuguese:
            return text
        swapped = {",": ".", ".": ","}
        return re.sub(r"(?<=\d)[.,](?=\d)", lambda m: swapped[m.group()], text)

    def cell(self, measure: str, value: float | None) -> str:
        """A value in a table."""
        return self.number(catalogue.written(measure, value))

    def tested(self, *, devices: int, teachers: int, events: int, rows: int, share: float) -> str:
        """How much was tested."""
        if self.portuguese:
            return self.number(
                f"{devices} dispositivos testados, {events:,} eventos em {rows:,} linhas ({_percent(share)} anômalas); "
                f"a rede aprendeu com as linhas normais de {teachers}."
            )
        return (
            f"{devices} devices tested, {events:,} events in {rows:,} rows ({_percent(share)} of them anomalous); the "
            f"network learned from normal rows of {teachers}."
        )

    def goals(self, *, met: int, measured: int, link: str) -> str:
        """How many goals were met."""
        if self.portuguese:
            return f"Metas cumpridas: {met} de {measured}; [todos os números, as metas e o que foi tentado]({link})."
        return f"Goals met: {met} of {measured}; [all figures, the goals, and what was tried]({link})."

    def ahead(self, measure: str, names: Sequence[str]) -> str:
        """Who is ahead of the network."""
        listed = ", ".join(self.row(name) for name in names)
        if self.portuguese:
            said = f"À frente da rede em {self.title(measure)}: {listed}." if names else ""
            return said or f"Em {self.title(measure)} nada está à frente da rede."
        said = f"Ahead of the network in {self.title(measure)}: {listed}." if names else ""
        return said or f"Nothing is ahead of the network in {self.title(measure)}."

    def none_yet(self, title: str, command: str) -> str:
        """What stands where a table was not made yet."""
        said = "ainda não foi medido" if self.portuguese else "not measured yet"
        return f"{title}: {said} (`{command}`)."


def _percent(share: float) -> str:
    return f"{share:.1%}".replace("%", " %")


ENGLISH, PORTUGUESE = Language(), Language(portuguese=True)
