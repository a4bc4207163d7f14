# Runs one PostgreSQL cluster for one test process: $1 program directory, $2 data directory, $3 template directory.
# Reads commands from its input; when the input ends, because the test process ended however it did, so does the cluster.
set -u
programs=$1 data=$2 template=$3
export LC_ALL=C

if [ ! -O "$template" ]; then
    fresh=$(mktemp -d "$template.XXXXXX") || exit 1
    "$programs/initdb" --pgdata="$fresh" --username=postgres --auth=trust --encoding=UTF8 --locale=C \
        --no-sync --wal-segsize=1 >/dev/null || exit 1
    # Another process may have been faster; its template is as good.
    mv -T "$fresh" "$template" 2>/dev/null || rm -rf "$fresh"
fi
rm -rf "$data"
cp -a "$template" "$data" || exit 1

begin() {
    "$programs/postgres" -D "$data" -k "$data" -c listen_addresses= -c fsync=off -c full_page_writes=off \
        -c wal_level=minimal -c max_wal_senders=0 -c autovacuum=off \
        -c shared_buffers=16MB -c max_connections=200 -c max_wal_size=64MB >>"$data/log" 2>&1 </dev/null &
    server=$!
}

# An immediate shutdown: what was not committed is lost, as in a crash. A server that has only just begun ignores the
# signal, so it is ended for good when it is still there after a moment.
end() {
    kill -QUIT "$server" 2>/dev/null
    (sleep 5; kill -KILL "$server" 2>/dev/null) </dev/null >/dev/null 2>&1 &
    guard=$!
    wait "$server" 2>/dev/null
    kill "$guard" 2>/dev/null
    wait "$guard" 2>/dev/null
}

trap 'end; rm -rf "$data"; exit 0' INT TERM
begin
while read -r command; do
    case $command in
        restart) end; begin ;;
    esac
done
end
rm -rf "$data"
