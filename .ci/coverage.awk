# The coverage gate: reads a Go coverage profile, prints each package's share of
# covered statements, and fails, naming the package, where it is under the minimum
# or where the profile does not hold the package at all.
#
#   awk -v min=90 -v packages="example.org/m/pkg/a example.org/m/pkg/b" -f coverage.awk PROFILE
#
# A profile line is "<package>/<file>:<from>,<to> <statements> <count>". With -coverpkg
# a block comes once for each test binary; it is covered if any of them ran it.

$1 == "mode:" { next }

{
	statements[$1] = $2
	if ($3 > 0) covered[$1] = 1
}

END {
	for (block in statements) {
		package = block
		sub(/\/[^\/]*$/, "", package)
		total[package] += statements[block]
		if (block in covered) hit[package] += statements[block]
	}
	n = split(packages, wanted, " ")
	if (n == 0) {
		print "coverage: FAIL: no packages given"
		exit 1
	}
	for (i = 1; i <= n; i++) {
		package = wanted[i]
		if (!total[package]) {
			failures = failures "coverage: FAIL: " package " is not in the profile: no statement of it was built into a test\n"
			continue
		}
		percent = 100 * hit[package] / total[package]
		printf "%6.1f %%  %5d of %5d statements  %s\n", percent, hit[package], total[package], package
		if (percent < min)
			failures = failures sprintf("coverage: FAIL: %s: %.1f %% of statements, at least %d %% are wanted\n", package, percent, min)
	}
	printf "%s", failures
	exit failures != ""
}
