package jsonprune

func (p *pruner) literal(i int, word string) int {
	end := i + len(word)
	if end > len(p.text) || string(p.text[i:end]) != word {
		return p.fail(i, "not a value")
	}
	return end
}

// number is RFC 8259 section 6.
func (p *pruner) number(i int) int {
	start := i
	if p.at(i, '-') {
		i++
	}
	if p.at(i, '0') {
		i++
	} else if i = p.digits(i); i < 0 {
		return p.fail(start, "not a value")
	}
	if p.at(i, '.') {
		if i = p.digits(i + 1); i < 0 {
			return p.fail(start, "a number with nothing behind its point")
		}
	}
	if p.at(i, 'e') || p.at(i, 'E') {
		i++
		if p.at(i, '+') || p.at(i, '-') {
			i++
		}
		if i = p.digits(i); i < 0 {
			return p.fail(start, "a number with nothing behind its exponent")
		}
	}
	return i
}

func (p *pruner) at(i int, c byte) bool { return i < len(p.text) && p.text[i] == c }

// digits goes over one digit or more; -1 where there is none.
func (p *pruner) digits(i int) int {
	start := i
	for i < len(p.text) && '0' <= p.text[i] && p.text[i] <= '9' {
		i++
	}
	if i == start {
		return -1
	}
	return i
}
