#!/bin/sh
# bootstrap.sh ROOT MIRROR SUITE PACKAGE...: Debian's packages in the folder ROOT, without what no
# container needs. In a mount namespace of its own what is mounted here goes when it ends.
set -eu
root=$1 mirror=$2 suite=$3
shift 3
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8

debootstrap --variant=minbase "$suite" "$root" "$mirror"
# No package starts its daemon.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
# Manuals are not unpacked, but for the folders that package scripts write to.
cat >"$root/etc/dpkg/dpkg.cfg.d/small" <<'END'
path-exclude /usr/share/doc/*
path-exclude /usr/share/man/*
path-exclude /usr/share/locale/*
path-exclude /usr/share/info/*
END
mkdir -p "$root/usr/share/man/man1"
mount -t proc proc "$root/proc"
chroot "$root" apt-get install -y -qq --no-install-recommends "$@"
umount "$root/proc"

# The users that the examples' pods run as, and the folders that the official images let them write to.
chroot "$root" sh -eu <<'END'
usermod --uid 999 postgres
groupmod --gid 999 postgres
useradd --uid 1000 --user-group --create-home --home-dir /home/mpiuser --shell /bin/bash mpiuser
mkdir -p /conf /data /datalog /logs /run/sshd /run/mysqld /run/postgresql
chown 1000:1000 /conf /data /datalog /logs
chown -R 999:999 /var/lib/postgresql /var/lib/mysql
chmod 1777 /run/mysqld /run/postgresql
ln -s /docker-entrypoint.sh /usr/local/bin/docker-entrypoint.sh
ln -s /usr/lib/postgresql/*/bin/* /usr/local/bin/
END

# What no program here needs: LLVM, with which PostgreSQL would compile queries, is 217 MB.
rm -rf "$root"/usr/lib/*/libLLVM-* "$root"/usr/lib/llvm-* "$root"/usr/lib/*/libz3.so* "$root"/usr/lib/*/dri \
	"$root"/usr/lib/postgresql/*/lib/llvmjit* "$root"/usr/lib/postgresql/*/lib/bitcode \
	"$root"/usr/share/icons "$root"/usr/share/fonts "$root"/usr/share/doc/* "$root"/usr/share/man/* \
	"$root"/usr/share/locale/* "$root"/var/lib/postgresql/* "$root"/var/lib/mysql/* \
	"$root"/var/cache/apt/archives/*.deb "$root"/var/cache/apt/*.bin "$root"/var/lib/apt/lists/* \
	"$root"/etc/ssh/ssh_host_* "$root"/etc/machine-id "$root"/etc/hostname "$root"/etc/resolv.conf
