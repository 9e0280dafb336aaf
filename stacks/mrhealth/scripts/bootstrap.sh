#!/bin/bash
# EMR bootstrap action: makes sure, before a cluster costs more than minutes, that a node can run the Mr. Health jobs.
#
# What the jobs need and a node may lack:
#   * Python 3.9 or later;
#   * numpy, pandas, scipy, statsmodels and pyarrow for the forecasts, from PyPI, in the versions below;
#   * UTF-8: the reports and the names of units and products are not ASCII;
#   * the chain's clock, so that the logs' times are those of the people who read them.
#
# Runs as user hadoop on every node (Amazon Linux 2023) and, for the embedded AWS, on a developer's machine, which it
# leaves as it is. It may run any number of times. It fails, and so does the cluster, when Python or UTF-8 is missing.
set -euo pipefail

readonly FUSO="America/Sao_Paulo"
readonly PYTHON="${PYSPARK_PYTHON:-python3}"
# The newest that have wheels for Python 3.9, the default of EMR 7.
readonly PACOTES=(numpy==2.0.2 pandas==2.3.3 scipy==1.13.1 statsmodels==0.14.6 pyarrow==21.0.0)

falhar() {
  echo "bootstrap: $*" >&2
  exit 1
}

conferir_python() {
  command -v "$PYTHON" >/dev/null || falhar "$PYTHON não existe neste nó; os trabalhos precisam de Python 3.9 ou mais novo"
  local versao
  versao="$("$PYTHON" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])')"
  "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 9))' ||
    falhar "Python $versao é antigo demais; os trabalhos precisam de 3.9 ou mais novo"
  echo "bootstrap: Python $versao"
}

conferir_utf8() {
  # Python reports the locale that it got, not the one that was asked for.
  local codificacao
  for local_utf8 in "${LC_ALL:-${LANG:-}}" C.UTF-8 en_US.UTF-8; do
    codificacao="$(LC_ALL="$local_utf8" "$PYTHON" -c 'import locale; print(locale.getpreferredencoding(False))' 2>/dev/null || true)"
    if [[ "$codificacao" == "UTF-8" ]]; then
      echo "bootstrap: UTF-8 com LC_ALL=$local_utf8"
      return
    fi
  done
  falhar "não há localidade UTF-8 neste nó (tentadas: ${LC_ALL:-${LANG:-nenhuma}}, C.UTF-8, en_US.UTF-8)"
}

# A cluster's node has /mnt/var/lib/info/instance.json; only there the machine is ours to change. Elsewhere the embedded
# AWS brings its own Python with the packages.
instalar_pacotes() {
  if [[ ! -e /mnt/var/lib/info/instance.json ]]; then
    echo "bootstrap: fora de um cluster, os pacotes de Python ficam como estão"
    return
  fi
  sudo "$PYTHON" -m pip install --quiet --no-input --disable-pip-version-check --only-binary=:all: "${PACOTES[@]}" ||
    falhar "não foi possível instalar ${PACOTES[*]}; o nó precisa de saída para o PyPI"
  echo "bootstrap: ${PACOTES[*]}"
}

acertar_relogio() {
  if [[ ! -e /mnt/var/lib/info/instance.json ]]; then
    echo "bootstrap: fora de um cluster, o fuso horário da máquina fica como está"
    return
  fi
  if [[ "$(readlink -f /etc/localtime)" == "$(readlink -f "/usr/share/zoneinfo/$FUSO")" ]]; then
    echo "bootstrap: fuso horário já é $FUSO"
    return
  fi
  [[ -e "/usr/share/zoneinfo/$FUSO" ]] || falhar "o fuso horário $FUSO não existe neste nó"
  sudo ln -sfn "/usr/share/zoneinfo/$FUSO" /etc/localtime
  echo "bootstrap: fuso horário $FUSO"
}

conferir_python
conferir_utf8
instalar_pacotes
acertar_relogio
echo "bootstrap: pronto ($(uname -n), $(date '+%Y-%m-%d %H:%M:%S %Z'))"
