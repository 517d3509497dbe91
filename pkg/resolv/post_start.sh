# Puts the domains of $1 into the search list of resolv.conf, as whole words:
# FIRST... [behind DOMAIN THEN...]. Then it becomes the command behind $1, if
# there is one. Its own work never fails: a container must not be killed for it.
first=" $1" anchor= rest=
case $first in
*" behind "*)
  rest=${first#* behind }
  first=${first%% behind *}
  anchor=${rest%% *}
  rest=" ${rest#* }" ;;
esac
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
old=search new="search$first" own="$first$rest "
for word in $searches; do
  old="$old $word"
  case $own in *" $word "*) continue ;; esac
  new="$new $word"
  [ "$word" = "$anchor" ] || continue
  new=$new$rest
  rest=
done
new=$new$rest
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
