#!/bin/sh
# enter.sh SCRATCH USER WORKING_DIR [MODE SOURCE TARGET]... -- COMMAND...
# Runs as first process of a container, in mount and process namespaces that are new and private: makes the container's
# root, which is this machine's with all writes kept apart in memory, mounts the volumes and becomes the command.
set -eu
scratch=$1 user=$2 working_dir=$3
shift 3
mount -t tmpfs -o mode=0755 container "$scratch"
root=$scratch/root
mkdir "$scratch/upper" "$scratch/work" "$root"
mount -t overlay -o "lowerdir=/,upperdir=$scratch/upper,workdir=$scratch/work" container "$root"

# The overlay shows only the root file system: disks that are mounted below it are bound one by one.
while read -r _ target type _; do
  case $type in ext[234] | xfs | btrfs | zfs | f2fs | nfs* | 9p | virtiofs | fuse*) ;; *) continue ;; esac
  case $target in / | "$scratch"* | /etc/*) continue ;; esac
  [ -d "$target" ] && mount --bind "$target" "$root$target"
done < /proc/self/mounts

mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount -t tmpfs -o mode=0755 devices "$root/dev"
for device in null zero full random urandom tty; do
  : > "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount --bind /dev/pts "$root/dev/pts"
mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
ln -s /proc/self/fd "$root/dev/fd"
ln -s /proc/self/fd/0 "$root/dev/stdin"
ln -s /proc/self/fd/1 "$root/dev/stdout"
ln -s /proc/self/fd/2 "$root/dev/stderr"
# What this machine has running has nothing to do with the container, and its tokens would hide those of the pod.
mount -t tmpfs -o mode=0755 run "$root/run"

while [ "$1" != -- ]; do
  # A link on the way, such as /var/run, means a place inside the container.
  mode=$1 source=$2 target=$root$(chroot "$root" readlink -m "$3")
  shift 3
  if [ -d "$source" ]; then
    mkdir -p "$target"
  else
    mkdir -p "$(dirname "$target")"
    [ -e "$target" ] || : > "$target"
  fi
  mount --bind "$source" "$target"
  [ "$mode" = rw ] || mount -o "remount,bind,$mode" "$target"
done
shift
# A volume of the pod, at /tmp say, may have hidden the checkout, where most commands are.
repository=$(cd "$(dirname "$0")/../../../.." && pwd)
if [ ! -e "$root$repository/package.json" ]; then
  mkdir -p "$root$repository"
  mount --bind "$repository" "$root$repository"
  mount -o remount,bind,ro "$root$repository"
fi
mkdir -p "$root$working_dir"
# Who waits for the command to begin reads this.
echo begun >&3
exec 3>&-
exec chroot --userspec="$user" "$root" env -i -C "$working_dir" "$@"
