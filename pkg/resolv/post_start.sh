# Puts the domain $1 first in the search list of resolv.conf, as a whole word,
# and then becomes the command behind it, if there is one. Its own work never
# fails: a container must not be killed for it.
domain=$1
shift
file=/etc/resolv.conf
temp=/tmp/.netmode-resolv.conf.$$
tab=$(printf '\t')
set -f
searches= last=0 n=0
while IFS= read -r line || [ -n "$line" ]; do
  n=$((n + 1))
  case $line in
  "search "* | "search$tab"*)
    for word in ${line#search}; do searches=${line#search} last=$n; break; done ;;
  "domain "* | "domain$tab"*)
    for word in ${line#domain}; do searches=$word last=$n; break; done ;;
  esac
done <"$file"
old=search new="search $domain"
for word in $searches; do
  old="$old $word"
  [ "$word" = "$domain" ] || new="$new $word"
done
if [ "$old" != "$new" ] && [ -r "$file" ]; then
  n=0 whole=yes
  while IFS= read -r line || [ -n "$line" ]; do
    n=$((n + 1))
    [ "$n" = "$last" ] && line=$new
    printf '%s\n' "$line" || whole=
  done <"$file" >"$temp" || whole=
  [ "$last" -gt 0 ] || printf '%s\n' "$new" >>"$temp" || whole=
  [ "$whole" ] && cat "$temp" >/dev/null && cat "$temp" >"$file"
  rm -f "$temp"
fi
set +f
[ $# -eq 0 ] || exec "$@"
exit 0
