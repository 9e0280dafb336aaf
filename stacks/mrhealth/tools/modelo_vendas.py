"""The true demand behind generated sales: what a forecast can know at best, and what an alert should notice.

Each unit and product has a rate of pieces a day: level x weekday x trend x promotion. Sales are drawn around it from a
Poisson distribution whose rate itself varies (so the counts vary more than Poisson's, as in a real shop). All of it
depends on the seed and the unit's number alone: more units or more days leave the others as they are.
"""

import datetime

import numpy as np

#: Name, price, pieces a day in a unit of average size, and what the weekday does to it (the days of the weekend).
PRODUTOS = [
    (501, "Moqueca de Banana-da-Terra", 4290, 2.6, 1.5),
    (502, "Caldo Verde sem Chouriço", 1950, 3.4, 0.8),
    (503, "Salada de Quinoa e Manga", 2800, 4.2, 0.7),
    (504, "Escondidinho de Mandioca", 3350, 2.9, 1.3),
    (505, "Suco de Cupuaçu", 1200, 5.5, 1.4),
    (506, "Água de Coco", 850, 6.5, 1.6),
    (507, "Pão de Queijo Integral", 675, 5.0, 0.9),
    (508, "Risoto de Abóbora", 3990, 2.2, 1.7),
    (509, "Tapioca de Legumes", 2100, 3.1, 1.1),
    (510, "Pastel de Nata Vegano", 990, 2.4, 1.2),
    # Bought now and then: most days see none.
    (511, "Picolé de Cajá", 1125, 0.35, 1.0),
    (512, "Ceviche de Palmito", 3600, 0.18, 1.0),
]
PAISES = [("BR", "Brasil"), ("PT", "Portugal"), ("UY", "Uruguai")]
ESTADOS = [
    (51, "BR", "Santa Catarina"), (52, "BR", "Pernambuco"), (53, "BR", "Paraná"), (54, "BR", "Bahia"),
    (61, "PT", "Lisboa"), (62, "PT", "Porto"), (71, "UY", "Montevidéu"), (72, "UY", "Maldonado"),
]  # fmt: skip
LUGARES = ["Florianópolis", "Recife", "Curitiba", "Salvador", "Lisboa", "Porto", "Montevidéu", "Punta del Este"]

#: Shares of the orders' statuses; revenue and demand count the first.
STATUS = [("Finalizado", 0.90), ("Pendente", 0.06), ("Cancelado", 0.04)]
_DESCONTO, _EFEITO_PROMOCAO, _DIAS_PROMOCAO = 0.85, 1.5, 5


class Unidade:
    """The truth of one unit: rates[product, day], prices in cents[product, day], and the sizes behind them."""

    def __init__(self, numero, inicio, dias, semente, volume=1.0, ruido=0.15, anomalias=()):
        # Parameters first, then one stream a day: a longer period begins as a shorter one.
        sorte = np.random.default_rng([semente, numero])
        quantos = len(PRODUTOS)
        self.numero, self.inicio, self.dias, self._semente = numero, inicio, dias, semente
        self.nome = "Mr Health - {} {}".format(LUGARES[(numero - 1) % len(LUGARES)], numero)
        self.estado = ESTADOS[(numero - 1) % len(ESTADOS)][0]
        self.tamanho = float(np.exp(sorte.normal(0, 0.25))) * volume
        self.semana = np.exp(sorte.normal(0, 0.12, 7))
        self.tendencia = float(sorte.uniform(-0.10, 0.30))
        self.niveis = np.array([p[3] for p in PRODUTOS]) * np.exp(sorte.normal(0, 0.25, quantos)) * self.tamanho
        fim_de_semana = np.array([p[4] for p in PRODUTOS])
        # weekday[product, weekday]: 0 is Monday.
        self.por_dia_da_semana = np.ones((quantos, 7)) * self.semana
        self.por_dia_da_semana[:, 4:] *= fim_de_semana[:, None]
        self.por_dia_da_semana /= self.por_dia_da_semana.mean(axis=1, keepdims=True)
        self.ruido = ruido
        self.promocoes = [(p, int(d)) for p in range(quantos) for d in range(int(sorte.integers(10, 90)), dias, 90)]
        precos = np.round(np.array([p[2] for p in PRODUTOS]) * sorte.uniform(0.95, 1.05) / 5) * 5

        n = np.arange(dias)
        dia_da_semana = (n + inicio.weekday()) % 7
        self.taxas = self.niveis[:, None] * self.por_dia_da_semana[:, dia_da_semana] * (1 + self.tendencia) ** (n / 365)
        self.precos = np.repeat(precos[:, None], dias, axis=1).astype(np.int64)
        for produto, dia in self.promocoes:
            self.taxas[produto, dia : dia + _DIAS_PROMOCAO] *= _EFEITO_PROMOCAO
            self.precos[produto, dia : dia + _DIAS_PROMOCAO] = int(round(precos[produto] * _DESCONTO / 5) * 5)
        self.cancela = np.full(dias, STATUS[2][1])
        self.calado = np.zeros(dias, dtype=bool)
        for anomalia in anomalias:
            self._aplicar(anomalia)

    def _aplicar(self, anomalia):
        """What is wrong from a day on, for ``dias`` days (one if not said)."""
        n = (datetime.date.fromisoformat(str(anomalia["data"])) - self.inicio).days
        trecho = slice(n, n + int(anomalia.get("dias", 1)))
        produtos = [i for i, p in enumerate(PRODUTOS) if anomalia.get("produto") in (None, p[0])]
        tipo, fator = anomalia["tipo"], anomalia.get("fator")
        if tipo == "queda":
            self.taxas[:, trecho] *= fator or 0.25
        elif tipo == "pico":
            self.taxas[:, trecho] *= fator or 3.0
        elif tipo == "cancelamentos":
            self.cancela[trecho] = fator or 0.6
        elif tipo == "produto_parou":
            self.taxas[produtos, trecho] = 0
        elif tipo == "preco":
            self.precos[produtos, trecho] = (self.precos[produtos, trecho] * (fator or 10)).astype(np.int64)
        elif tipo == "nao_enviou":
            self.calado[trecho] = True
        else:
            raise ValueError("anomalia desconhecida: {}".format(tipo))

    def sorte_do_dia(self, n):
        return np.random.default_rng([self._semente, self.numero, 7919, n])

    def quantidades(self, n, sorte):
        """Pieces of each product ordered on day n, whatever becomes of the orders."""
        humor = sorte.gamma(1 / self.ruido**2, self.ruido**2, len(PRODUTOS)) if self.ruido else 1.0
        return sorte.poisson(self.taxas[:, n] * humor)

    def esperado(self):
        """Mean pieces sold (Finalizado) a day: what a perfect forecast says. [product, day]"""
        return self.taxas * (1 - STATUS[1][1] - self.cancela)

    def verdade(self):
        return {
            "filial": self.nome,
            "tamanho": round(self.tamanho, 6),
            "tendencia_anual": round(self.tendencia, 6),
            "produtos": {
                str(p[0]): {
                    "nivel_por_dia": round(float(self.niveis[i]), 6),
                    "dias_da_semana": [round(float(f), 6) for f in self.por_dia_da_semana[i]],
                    "preco": "{:.2f}".format(self.precos[i, 0] / 100),
                    "promocoes": [self._dia(d) for produto, d in self.promocoes if produto == i],
                }
                for i, p in enumerate(PRODUTOS)
            },
        }

    def _dia(self, n):
        return (self.inicio + datetime.timedelta(n)).isoformat()
