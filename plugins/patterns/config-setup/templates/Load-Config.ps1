# Loads and checks the configuration «name».
#
#   . ./Load-Config.ps1
#   $config = Load-«class»
#
# README_CONFIG.md describes the settings. For Windows PowerShell 5.1 and PowerShell 7.
«if yaml»
# Reading YAML needs a module: Install-Module powershell-yaml
«end»
«if toml»
# Reading TOML needs a module: Install-Module PSToml
«end»

function Load-«class» {
    [CmdletBinding()]
    param(
        [string]$ConfigPath = (Join-Path $PSScriptRoot «file_powershell»)
    )

    Set-StrictMode -Version 2.0
    $ErrorActionPreference = 'Stop'

    # The settings as data: key, type, default, and what a value has to keep to.
    $parsed = ConvertFrom-Json @'
«settings»
'@
    # PowerShell 5.1 and 7 differ in whether they take a list apart; this gives the same in both.
    $settings = @($parsed | Where-Object { $null -ne $_ })

    function Get-Member-Value($Node, [string]$Name) {
        if ($Node -is [System.Collections.IDictionary]) {
            if ($Node.Contains($Name)) { return , @($true, $Node[$Name]) }
        } elseif ($Node -is [System.Management.Automation.PSCustomObject]) {
            $property = $Node.PSObject.Properties[$Name]
            if ($null -ne $property) { return , @($true, $property.Value) }
        }
        return , @($false, $null)
    }

    function Test-Object($Value) {
        return ($Value -is [System.Collections.IDictionary]) -or
            ($Value -is [System.Management.Automation.PSCustomObject])
    }

    function Get-Names($Node) {
        if ($Node -is [System.Collections.IDictionary]) { return @($Node.Keys) }
        return @($Node.PSObject.Properties | ForEach-Object { $_.Name })
    }

    function Test-Number($Value) {
        return ($Value -is [int]) -or ($Value -is [long]) -or ($Value -is [double]) -or
            ($Value -is [decimal]) -or ($Value -is [float])
    }

    function Test-Type([string]$Type, $Value) {
        switch ($Type) {
            # ConvertFrom-Json makes dates of texts that look like one.
            'string' { return ($Value -is [string]) -or ($Value -is [datetime]) }
            'boolean' { return $Value -is [bool] }
            'integer' { return (Test-Number $Value) -and ($Value -eq [math]::Floor([double]$Value)) }
            'float' { return Test-Number $Value }
            'array' { return ($Value -is [System.Collections.IList]) -and -not ($Value -is [string]) }
            'object' { return Test-Object $Value }
        }
        return $false
    }

    function Find-Unknown($Node, [string]$At) {
        foreach ($name in (Get-Names $Node)) {
            $key = "$At$name"
            if (@($settings | Where-Object { $_.key -ceq $key }).Count -gt 0) { continue }
«if version»
            if ($key -ceq 'version') { continue }
«end»
            $levels = @($settings | Where-Object { $_.key.StartsWith("$key.", [System.StringComparison]::Ordinal) })
            $value = (Get-Member-Value $Node $name)[1]
            if ($levels.Count -eq 0) {
                "${key}: is no setting"
            } elseif (Test-Object $value) {
                Find-Unknown $value "$key."
            } else {
                "${key}: must be made of names and values"
            }
        }
    }

    if (-not (Test-Path -LiteralPath $ConfigPath)) {
        throw "Config not found: $ConfigPath"
    }
    $text = [System.IO.File]::ReadAllText((Resolve-Path -LiteralPath $ConfigPath).ProviderPath)
«if json»
    $data = ConvertFrom-Json $text
«end»
«if yaml»
    if (-not (Get-Command ConvertFrom-Yaml -ErrorAction SilentlyContinue)) {
        throw 'Reading YAML needs a module: Install-Module powershell-yaml'
    }
    $data = ConvertFrom-Yaml $text
«end»
«if toml»
    if (-not (Get-Command ConvertFrom-Toml -ErrorAction SilentlyContinue)) {
        throw 'Reading TOML needs a module: Install-Module PSToml'
    }
    $data = ConvertFrom-Toml $text
«end»
    if ($null -eq $data) { $data = @{} }
    if (-not (Test-Object $data)) {
        throw 'The configuration must be made of names and values'
    }

    $problems = @(Find-Unknown $data '')
    $config = [ordered]@{}
    foreach ($setting in $settings) {
        $parts = $setting.key.Split('.')
        $found = $true
        $value = $data
        foreach ($part in $parts) {
            $found, $value = Get-Member-Value $value $part
            if (-not $found) { break }
        }
        if (-not $found) {
            if ($setting.required) { $problems += "$($setting.key): is required" }
            $value = $setting.default
        }
        if (-not (Test-Type $setting.type $value)) {
            $problems += "$($setting.key): must be of type $($setting.type)"
        } else {
            $has = $setting.PSObject.Properties
            if ($null -ne $has['min'] -and $value -lt $setting.min) {
                $problems += "$($setting.key): must be >= $($setting.min), not $value"
            }
            if ($null -ne $has['max'] -and $value -gt $setting.max) {
                $problems += "$($setting.key): must be <= $($setting.max), not $value"
            }
            if ($null -ne $has['pattern'] -and $value -cnotmatch $setting.pattern) {
                $problems += "$($setting.key): must match $($setting.pattern), not $value"
            }
            if ($null -ne $has['enum'] -and @($setting.enum) -cnotcontains $value) {
                $problems += "$($setting.key): must be one of $(@($setting.enum) -join ', '), not $value"
            }
        }
        $node = $config
        for ($index = 0; $index -lt $parts.Length - 1; $index++) {
            if (-not $node.Contains($parts[$index])) { $node[$parts[$index]] = [ordered]@{} }
            $node = $node[$parts[$index]]
        }
        $node[$parts[-1]] = $value
    }
    if ($problems.Count -gt 0) {
        throw ($problems -join [Environment]::NewLine)
    }
    return $config
}
