#!/usr/bin/env bash
# The main job on real input: demo.sh PRINCIPAL_COMPONENTS_PROGRAM [ROWS]
#
# NumPy writes a matrix of 2 GiB (8388608 rows); the program finds its principal components in an
# eighth of that memory, though in no less than 64 MiB; NumPy confirms them. The bound is a memory cgroup (v2 or v1) where this user may make one,
# which counts the page cache too; elsewhere the program's own peak is measured and held against it.
set -euo pipefail

program=$1
here=$(cd "$(dirname "$0")" && pwd)
python=${NPYMAP_PYTHON:-/usr/bin/python3}
rows=${2:-$((1 << 23))} columns=32
file_bytes=$((rows * columns * 8))
allowed_bytes=$((file_bytes / 8))
floor_bytes=$((64 << 20))  # what a small process takes anyway
if [ $allowed_bytes -lt $floor_bytes ]; then allowed_bytes=$floor_bytes; fi

folder=$(mktemp -d "${TMPDIR:-/var/tmp}/npymap-demo-XXXXXX")
group=
clean_up() {
  rm -rf "$folder"
  if [ -n "$group" ]; then rmdir "$group" 2>/dev/null || true; fi
}
trap clean_up EXIT
trap 'exit 130' INT TERM

free_bytes=$(($(df --output=avail -k "$folder" | tail -n 1) * 1024))
if [ "$free_bytes" -lt $((file_bytes * 5 / 4)) ]; then
  echo "demo: $folder has $free_bytes bytes free, $((file_bytes * 5 / 4)) are needed; set TMPDIR" >&2
  exit 1
fi

# Make a cgroup limited to $allowed_bytes; sets group, limit and peak files, or fails.
make_group() {
  local v1=/sys/fs/cgroup/memory v2=/sys/fs/cgroup name=npymap-demo-$$
  if [ -f $v2/cgroup.controllers ] && grep -qw memory $v2/cgroup.controllers; then
    echo +memory > $v2/cgroup.subtree_control && mkdir $v2/$name || return 1
    group=$v2/$name peak_file=memory.peak
    echo $allowed_bytes > $group/memory.max
    [ ! -f $group/memory.swap.max ] || echo 0 > $group/memory.swap.max
  else
    mkdir $v1/$name || return 1
    group=$v1/$name peak_file=memory.max_usage_in_bytes
    echo $allowed_bytes > $group/memory.limit_in_bytes
  fi
}

echo "NumPy writes $rows x $columns float64, $((file_bytes >> 20)) MiB, with $folder/x.npy for a name"
"$python" "$here/demo.py" write "$folder/x.npy" $rows $columns
# Cold, where we may: the program is to read the disk, not what NumPy left in memory.
sync "$folder/x.npy"
{ echo 1 > /proc/sys/vm/drop_caches; } 2>/dev/null || true

if (make_group) 2>/dev/null; then
  rmdir /sys/fs/cgroup{/memory,}/npymap-demo-$$ 2>/dev/null || true
  make_group
  echo "npymap finds the principal components in a memory cgroup of $((allowed_bytes >> 20)) MiB"
  (echo $BASHPID > "$group/cgroup.procs" && exec "$program" "$folder/x.npy" "$folder") | tee "$folder/out"
  peak_bytes=$(cat "$group/$peak_file" 2>/dev/null || echo "$allowed_bytes")
  echo "peak memory, page cache included: $((peak_bytes >> 20)) MiB of $((allowed_bytes >> 20)) MiB allowed"
else
  echo "npymap finds the principal components; no cgroup can be made here, so its peak is measured"
  "$program" "$folder/x.npy" "$folder" | tee "$folder/out"
  peak_bytes=$(awk '/^peak_bytes/ {print $2}' "$folder/out")
  echo "peak resident memory: $((peak_bytes >> 20)) MiB of $((allowed_bytes >> 20)) MiB allowed"
fi
if [ "$peak_bytes" -gt "$allowed_bytes" ]; then
  echo "demo: more memory than allowed" >&2
  exit 1
fi
"$python" "$here/demo.py" check "$folder/x.npy" "$folder"
