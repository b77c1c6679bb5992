"""Operations on an archive between imports: audit, check, repair, mirror, rebuild, move, tidy, correction of
dates."""
