// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// byteSize is a size as dfs writes it: with two digits behind the point, so that what comes back is not what was sent.
type byteSize float64

var (
	sizePattern = regexp.MustCompile(`^\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*$`)
	// sizeUnits has powers of 1000 for k and kb, of 1024 for ki and kib.
	sizeUnits = map[string]float64{
		"": 1, "b": 1,
		"k": 1e3, "kb": 1e3, "m": 1e6, "mb": 1e6, "g": 1e9, "gb": 1e9, "t": 1e12, "tb": 1e12,
		"ki": 1 << 10, "kib": 1 << 10, "mi": 1 << 20, "mib": 1 << 20, "gi": 1 << 30, "gib": 1 << 30, "ti": 1 << 40, "tib": 1 << 40,
	}
)

// parseByteSize takes an empty text for none.
func parseByteSize(text string) (byteSize, error) {
	if text == "" {
		return 0, nil
	}
	parts := sizePattern.FindStringSubmatch(text)
	if parts == nil {
		return 0, fmt.Errorf("invalid byte size format: %q", text)
	}
	unit, known := sizeUnits[strings.ToLower(parts[2])]
	if !known {
		return 0, fmt.Errorf("unknown byte size unit: %q", parts[2])
	}
	number, err := strconv.ParseFloat(parts[1], 64)
	if err != nil {
		return 0, fmt.Errorf("invalid number in byte size: %q", parts[1])
	}
	return byteSize(number * unit), nil
}

func (b byteSize) String() string {
	for i, unit := range []string{"TiB", "GiB", "MiB", "KiB"} {
		if factor := byteSize(uint64(1) << (40 - 10*i)); b >= factor {
			return fmt.Sprintf("%.2f%s", float64(b/factor), unit)
		}
	}
	return fmt.Sprintf("%dB", uint64(b))
}
