#!/bin/sh
# private.sh SCRATCH COMMAND...: in a mount namespace of its own, gives the command a /run, /var/lib and /var/log whose
# changes nobody else sees. containerd, the CNI plugins and the kubelet write there whatever they are told.
set -eu
scratch=$1
shift
mkdir -p "$scratch"
mount -t tmpfs node "$scratch"
mount -t tmpfs -o mode=0755 run /run
mkdir /run/netns
for folder in lib log; do
  mkdir "$scratch/$folder" "$scratch/$folder.work"
  mount -t overlay -o "lowerdir=/var/$folder,upperdir=$scratch/$folder,workdir=$scratch/$folder.work" node "/var/$folder"
done
exec "$@"
