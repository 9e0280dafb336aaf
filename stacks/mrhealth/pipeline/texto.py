"""Numbers and dates as people in Brazil write them."""


def numero(valor, casas=1):
    """1234.5 -> ``1.234,5``; a whole number without decimals."""
    texto = "{:,.{}f}".format(float(valor), casas)
    inteira, _, fracao = texto.partition(".")
    inteira = inteira.replace(",", ".")
    return inteira if not fracao.strip("0") else "{},{}".format(inteira, fracao)


def inteiro(valor):
    return "{:,}".format(int(valor)).replace(",", ".")


def reais(valor):
    """1234.5 -> ``R$ 1.234,50``."""
    inteira, _, fracao = "{:,.2f}".format(float(valor)).partition(".")
    return "R$ {},{}".format(inteira.replace(",", "."), fracao)


def percentual(parte):
    """0.954 -> ``95 %``; small shares with a decimal."""
    valor = 100 * float(parte)
    return "{} %".format(numero(valor, 1 if abs(valor) < 10 or abs(valor - round(valor)) > 0.05 and valor > 95 else 0))


def dia(data):
    return data.strftime("%d/%m/%Y")


def plural(quantos, um, varios):
    return "{} {}".format(inteiro(quantos), um if quantos == 1 else varios)
