#!/bin/sh
# Make the secrets of an installation, one file each, in FOLDER. What is there is never touched:
#   sh deploy/make_secrets.sh FOLDER
# The folder is open to its owner alone. The files in it can be read by others all the same: a container's
# user, to whom one of them is given, is not the user who made it.
set -eu
[ $# = 1 ] || { echo "which folder? sh deploy/make_secrets.sh FOLDER" >&2; exit 2; }
umask 077
mkdir -p "$1"
chmod 700 "$1"

random() { # so many random bytes, in letters and digits, - and _
    head -c "$1" /dev/urandom | base64 | tr -d '\n' | tr '+/' '-_'
}

make() { # name, number of bytes
    if [ -e "$1" ]; then
        echo "kept  $1"
    else
        random "$2" > "$1.new"
        chmod 444 "$1.new"
        mv "$1.new" "$1"
        echo "made  $1"
    fi
}

make "$1/secret_key" 48
make "$1/field_encryption_keys" 32 # 32 bytes: a Fernet key
make "$1/database_password" 24
make "$1/migration_database_password" 24
make "$1/redis_password" 24
