# SPDX-FileCopyrightText: The dittofs-apiserver authors
# SPDX-License-Identifier: Apache-2.0
#
# Ends with the process that started it, however that one ends (kill -9 included): its end of
# the pipe on our stdin closes. What then still has a pid file in directory $1 is killed.
cat >/dev/null
for file in "$1"/*; do
  [ -f "$file" ] || continue
  read -r pid binary <"$file"
  if command -v ps >/dev/null; then
    # The id may have been given to somebody else since.
    case $(ps -ww -o args= -p "$pid") in *"$binary"*) ;; *) continue ;; esac
  fi
  kill -KILL "$pid"
done
